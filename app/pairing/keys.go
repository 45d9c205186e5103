package pairing

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"

	"dialtone/app/cpace"
)

// The labels of what TLS exports (RFC 8446 §7.5), with an empty context.
const (
	exportCPace   = "EXPORTER-dialtone-cpace"
	exportSession = "EXPORTER-dialtone-session"
	exportJoin    = "EXPORTER-dialtone-join"
)

// A channel is what one connection is bound to.
type channel struct {
	encrypted bool
	verified  bool        // the peer's certificate is of our authority
	dialler   Fingerprint // of the ends' keys, without TLS zero
	listener  Fingerprint
	export    func(label string) ([]byte, error) // 32 bytes; nil without TLS
}

// identifier is CPace's CI: what is spoken, over what, and by whom.
func (c *channel) identifier() []byte {
	if !c.encrypted {
		return []byte("dialtone/1 plain")
	}
	p := append([]byte("dialtone/1 tls"), c.dialler[:]...)
	return append(p, c.listener[:]...)
}

// sessionID is CPace's sid: the TLS connection, or what the dialler drew.
func (c *channel) sessionID(nonce []byte) ([]byte, error) {
	if c.export == nil {
		return nonce, nil
	}
	return c.export(exportCPace)
}

// startCPace begins a run of CPace for c.
func (c *channel) startCPace(d *draw, code string, nonce []byte) (*cpace.Exchange, error) {
	sid, err := c.sessionID(nonce)
	if err != nil {
		return nil, err
	}
	return cpace.Start(d.random(), []byte(code), c.identifier(), sid)
}

// weakSecret is the session's secret where no code was confirmed: the TLS
// connection's. Without TLS there is none, only what both have seen.
func (c *channel) weakSecret(hello, welcome *fields) ([]byte, error) {
	if c.export == nil {
		return append(append([]byte{}, hello[tagNonce]...), welcome[tagNonce]...), nil
	}
	return c.export(exportSession)
}

// keys are what a session's secret gives, bound to everything that was said.
type keys struct {
	dialler  []byte // the dialler's proof
	listener []byte // the listener's proof
	join     []byte // the key of further connections' proofs
}

// derive makes the keys: HKDF with SHA-256, where the salt is the hash of the
// channel's identifier, the hello and the welcome.
func (c *channel) derive(secret, hello, welcome []byte) (k keys, err error) {
	h := sha256.New()
	h.Write(c.identifier())
	h.Write(hello)
	h.Write(welcome)
	prk, err := hkdf.Extract(sha256.New, secret, h.Sum(nil))
	if err != nil {
		return k, err
	}
	for info, out := range map[string]*[]byte{
		"dialtone/1 dialler":  &k.dialler,
		"dialtone/1 listener": &k.listener,
		"dialtone/1 join":     &k.join,
	} {
		if *out, err = hkdf.Expand(sha256.New, prk, info, proofSize); err != nil {
			return k, err
		}
	}
	return k, nil
}

// joinProof is one end's proof for a further connection: who says it, the
// connection (what TLS exports, nothing without), and what was said.
func joinProof(key []byte, who string, binding []byte, said ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(who))
	h.Write(binding)
	for _, p := range said {
		h.Write(p)
	}
	return h.Sum(nil)
}

// binding is what ties a join to its connection.
func (c *channel) binding() ([]byte, error) {
	if c.export == nil {
		return nil, nil
	}
	return c.export(exportJoin)
}
