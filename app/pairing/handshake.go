package pairing

import (
	"bytes"
	"crypto/hmac"
	"net"
	"slices"

	"dialtone/app/cpace"
)

// version is the only one there is.
const version = 1

// A grant is what the two ends have agreed on.
type grant struct {
	how  method
	id   []byte // of the session
	name string // of the peer
	keys keys
}

// A caller is the dialling end of one handshake. It reads and writes nothing:
//
//	caller                               answerer
//	hello     -- versions, methods, Ya -->
//	          <-- version, method, Yb --  welcome
//	confirm   -- proof ----------------->  check
//	          <-- proof -----------------  done
type caller struct {
	*ends
	channel *channel
	draw    *draw

	said     fields
	hello    []byte
	exchange *cpace.Exchange
	grant    grant
}

// begin returns the hello.
func (c *caller) begin() (hello []byte, err error) {
	nonce, err := c.draw.bytes(nonceSize)
	if err != nil {
		return nil, err
	}
	c.said = fields{tagVersions: {version}, tagNonce: nonce, tagName: []byte(c.Name), tagMethods: {}}
	for _, m := range c.methods() {
		c.said[tagMethods] = append(c.said[tagMethods], byte(m))
	}
	if c.Code != "" {
		if c.exchange, err = c.channel.startCPace(c.draw, c.Code, nonce); err != nil {
			return nil, err
		}
		c.said[tagShare] = c.exchange.Share()
	}
	c.hello = c.said.append(nil, typeHello)
	return c.hello, nil
}

// confirm takes the welcome and returns the message with this end's proof.
func (c *caller) confirm(f *fields, welcome []byte) ([]byte, error) {
	if err := f.need(tagVersions, tagNonce, tagMethods, tagSession); err != nil {
		return nil, err
	}
	if f[tagVersions][0] != version {
		return nil, ErrVersion
	}
	if len(f[tagMethods]) != 1 || !bytes.Contains(c.said[tagMethods], f[tagMethods]) {
		return nil, broken("a method that was not offered")
	}
	c.grant = grant{how: method(f[tagMethods][0]), id: f[tagSession], name: string(f[tagName])}
	if err := c.accept(&c.grant, c.channel, c.channel.listener); err != nil {
		return nil, err
	}
	secret, err := c.secret(f, welcome)
	if err != nil {
		return nil, err
	}
	if c.grant.keys, err = c.channel.derive(secret, c.hello, welcome); err != nil {
		return nil, err
	}
	proof := fields{tagProof: c.grant.keys.dialler}
	return proof.append(nil, typeConfirm), nil
}

func (c *caller) secret(f *fields, welcome []byte) ([]byte, error) {
	if c.grant.how != byCode {
		return c.channel.weakSecret(&c.said, f)
	}
	if err := f.need(tagShare); err != nil {
		return nil, err
	}
	key, err := c.exchange.Initiator(c.hello, cpace.Message{Share: f[tagShare], AD: welcome})
	if err != nil {
		return nil, broken("%v", err)
	}
	return key[:], nil
}

// finish checks the listener's proof.
func (c *caller) finish(f *fields) (grant, error) {
	if !hmac.Equal(f[tagProof], c.grant.keys.listener) {
		return grant{}, ErrWrongCode
	}
	return c.grant, nil
}

// accept says whether the peer's key or certificate is enough for how g says it is
// known, and whether the key can be pinned where it is to be. A pinned key goes by
// the name it was pinned with.
func (e *ends) accept(g *grant, ch *channel, key Fingerprint) error {
	pins := g.how == byCode && e.Remember && e.Known != nil
	switch {
	case g.how == byCA && !ch.verified:
		return ErrNotWanted
	case g.how == byKey, pins:
		name, err := e.Known.verify(key, g.name)
		if pins && err == ErrUnknownPeer { // not a changed key, which is one only for errors.Is
			return nil
		}
		if name != "" {
			g.name = name
		}
		return err
	}
	return nil
}

// An answerer is the listening end of one handshake.
type answerer struct {
	*ends
	channel *channel
	draw    *draw
	code    string // now; "" for none
	codeErr error  // why none

	exchange *cpace.Exchange
	grant    grant
}

// welcome takes the hello and returns the answer.
func (a *answerer) welcome(f *fields, hello []byte) ([]byte, error) {
	if err := f.need(tagVersions, tagNonce, tagMethods); err != nil {
		return nil, err
	}
	if !slices.Contains(f[tagVersions], version) {
		return nil, ErrVersion
	}
	a.grant.name = string(f[tagName])
	how, err := a.choose(f[tagMethods])
	if err != nil {
		return nil, err
	}
	a.grant.how = how
	if how != byCode { // with a code the proof comes first
		if err := a.accept(&a.grant, a.channel, a.channel.dialler); err != nil {
			return nil, err
		}
	}
	said := fields{tagVersions: {version}, tagName: []byte(a.Name), tagMethods: {byte(how)}}
	if said[tagNonce], err = a.draw.bytes(nonceSize); err != nil {
		return nil, err
	}
	if said[tagSession], err = a.draw.bytes(sessionSize); err != nil {
		return nil, err
	}
	a.grant.id = said[tagSession]
	if how == byCode {
		if err := f.need(tagShare); err != nil {
			return nil, err
		}
		if a.exchange, err = a.channel.startCPace(a.draw, a.code, f[tagNonce]); err != nil {
			return nil, err
		}
		said[tagShare] = a.exchange.Share()
	}
	welcome := said.append(nil, typeWelcome)
	secret, err := a.secret(f, &said, hello, welcome)
	if err != nil {
		return nil, err
	}
	a.grant.keys, err = a.channel.derive(secret, hello, welcome)
	return welcome, err
}

func (a *answerer) secret(f, said *fields, hello, welcome []byte) ([]byte, error) {
	if a.grant.how != byCode {
		return a.channel.weakSecret(f, said)
	}
	key, err := a.exchange.Responder(welcome, cpace.Message{Share: f[tagShare], AD: hello})
	if err != nil {
		return nil, broken("%v", err)
	}
	return key[:], nil
}

// choose returns the first of this end's methods that the dialler offers and that
// can hold, or why there is none.
func (a *answerer) choose(offered []byte) (method, error) {
	has := func(m method) bool { return bytes.IndexByte(offered, byte(m)) >= 0 }
	if a.code != "" && has(byCode) {
		return byCode, nil
	}
	if a.CA != nil && has(byCA) && a.channel.verified {
		return byCA, nil
	}
	var unknown error
	if a.Known != nil && has(byKey) {
		if _, unknown = a.Known.verify(a.channel.dialler, a.grant.name); unknown == nil {
			return byKey, nil
		}
	}
	switch {
	case a.NoAuth && a.Code == "" && has(byNothing):
		return byNothing, nil
	case unknown != nil:
		return 0, unknown
	case a.codeErr != nil && has(byCode):
		return 0, a.codeErr
	case a.code != "":
		return 0, errNoCode
	}
	return 0, ErrNotWanted
}

// admit says, after the dialler's proof, whether its key can be pinned where it is
// to be. Before the proof it would tell anybody who is known here.
func (a *answerer) admit() error {
	if a.grant.how != byCode {
		return nil
	}
	return a.accept(&a.grant, a.channel, a.channel.dialler)
}

// check returns whether the dialler's proof is right.
func (a *answerer) check(f *fields) bool {
	return hmac.Equal(f[tagProof], a.grant.keys.dialler)
}

// done returns the message with this end's proof.
func (a *answerer) done() []byte {
	proof := fields{tagProof: a.grant.keys.listener}
	return proof.append(nil, typeDone)
}

// peer returns what a session says of the other end.
func (g *grant) peer(addr net.Addr, ch *channel, key Fingerprint) Peer {
	return Peer{Name: g.name, Addr: addr, Fingerprint: key, How: g.how.String(), Encrypted: ch.encrypted}
}
