// Package cpace makes a strong shared key out of a weak shared password: CPace
// with X25519 and SHA-512, suite CPACE-X25519-SHA512 of draft-irtf-cfrg-cpace-21,
// in its initiator-responder setting.
//
//	x, err := cpace.Start(nil, password, ci, sid)
//	// send x.Share() with ad, receive the peer's
//	key, err := x.Initiator(ad, cpace.Message{Share: share, AD: peerAD})
//
// Each end sends one message. The keys are equal exactly if password, channel
// identifier, session identifier and both messages are: an end that has not seen
// the peer confirm its key knows nothing about the peer yet. Who takes part
// actively tests one password in each run, who listens tests none.
//
// There is no input or output here, and no confirmation of the key: package
// pairing does both.
package cpace

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	// ShareSize is the length of a share in bytes.
	ShareSize = 32
	// KeySize is the length of a key in bytes.
	KeySize = 64

	dsi    = "CPace255"     // G_X25519.DSI (§8.2)
	dsiISK = "CPace255_ISK" // what is hashed to the key (§7.2)
)

var (
	// ErrShare is returned for a share that is no share: of another length than
	// ShareSize, or a point of low order, with which every password would lead to
	// the same key (§7.2: abort if K is the neutral element).
	ErrShare = errors.New("cpace: the peer's share is not valid")
	// ErrReflected is returned for a peer that sends our own share back.
	ErrReflected = errors.New("cpace: the peer's share is our own")
)

// A Key is the intermediate session key (ISK). It is to go through a key
// derivation before it is used (§10.3).
type Key [KeySize]byte

// A Message is what one end sends: its share (Ya or Yb) and data of its own that
// the key shall vouch for (ADa or ADb), such as names and offers.
type Message struct {
	Share []byte // ShareSize bytes
	AD    []byte
}

// An Exchange is one end of one run. It must finish at most once.
type Exchange struct {
	sid    []byte
	scalar *ecdh.PrivateKey
	share  []byte
}

// Start begins a run. Both ends must give the same password; the same channel
// identifier ci, which says who talks over what, the initiator first; and the same
// session identifier sid, which no other run may have. The 32 bytes of the secret
// scalar are read from random, nil for crypto/rand.
func Start(random io.Reader, password, ci, sid []byte) (*Exchange, error) {
	if random == nil {
		random = rand.Reader
	}
	// sample_scalar: random bytes, which X25519 clamps (§8.2)
	var secret [32]byte
	if _, err := io.ReadFull(random, secret[:]); err != nil {
		return nil, fmt.Errorf("cpace: draw a scalar: %w", err)
	}
	scalar, err := ecdh.X25519().NewPrivateKey(secret[:])
	if err != nil {
		return nil, fmt.Errorf("cpace: %w", err)
	}
	share, err := multiply(scalar, generator(password, ci, sid))
	if err != nil { // the hash hit a point of low order: 2^-250
		return nil, fmt.Errorf("cpace: no generator from this password: %w", err)
	}
	return &Exchange{sid: bytes.Clone(sid), scalar: scalar, share: share}, nil
}

// Share returns what to send to the peer, ShareSize bytes.
func (x *Exchange) Share() []byte { return bytes.Clone(x.share) }

// Initiator returns the key of the end that has the initiator's part (A): ad is
// what it sent beside its share.
func (x *Exchange) Initiator(ad []byte, peer Message) (Key, error) {
	return x.finish(peer, func(k []byte) []byte {
		return transcript(k, Message{x.share, ad}, peer)
	})
}

// Responder returns the key of the end that has the responder's part (B): ad is
// what it sent beside its share.
func (x *Exchange) Responder(ad []byte, peer Message) (Key, error) {
	return x.finish(peer, func(k []byte) []byte {
		return transcript(k, peer, Message{x.share, ad})
	})
}

// finish computes ISK = H(lv_cat(DSI_ISK, sid, K) || transcript_ir(Ya, ADa, Yb, ADb)) (§7.2).
func (x *Exchange) finish(peer Message, transcript func(k []byte) []byte) (Key, error) {
	if bytes.Equal(peer.Share, x.share) {
		return Key{}, ErrReflected
	}
	k, err := multiply(x.scalar, peer.Share)
	if err != nil {
		return Key{}, err
	}
	return sha512.Sum512(append(lvCat([]byte(dsiISK), x.sid), transcript(k)...)), nil
}

func transcript(k []byte, a, b Message) []byte {
	return lvCat(k, a.Share, a.AD, b.Share, b.AD)
}

// multiply is scalar_mult_vfy: X25519, where a result of zero, from a point of
// low order, is an error.
func multiply(scalar *ecdh.PrivateKey, point []byte) ([]byte, error) {
	u, err := ecdh.X25519().NewPublicKey(point)
	if err != nil {
		return nil, ErrShare
	}
	k, err := scalar.ECDH(u)
	if err != nil { // crypto/ecdh refuses the all-zero value, in constant time
		return nil, ErrShare
	}
	return k, nil
}

// generator is calculate_generator (§8.2).
func generator(password, ci, sid []byte) []byte {
	h := sha512.Sum512(generatorString(password, ci, sid))
	return elligator2(h[:32])
}

// generatorString pads so that the first block of the hash holds the password and
// nothing of the session (§8.1).
func generatorString(password, ci, sid []byte) []byte {
	pad := max(0, sha512.BlockSize-1-len(lvCat(password))-len(lvCat([]byte(dsi))))
	return lvCat([]byte(dsi), password, make([]byte, pad), ci, sid)
}

// lvCat joins parts, each after its length as LEB128 (appendix A.1).
func lvCat(parts ...[]byte) (p []byte) {
	for _, part := range parts {
		p = binary.AppendUvarint(p, uint64(len(part)))
		p = append(p, part...)
	}
	return p
}
