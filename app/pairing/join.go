package pairing

import (
	"bytes"
	"crypto/hmac"
	"slices"
)

// proofField is how many bytes the proof takes at the end of a join or joined.
const proofField = headSize + proofSize

// withProof returns message f of type t with a proof over everything before it as
// its last field.
func (f fields) withProof(t messageType, prove func(said []byte) []byte) []byte {
	f[tagProof] = make([]byte, proofSize)
	p := f.append(nil, t)
	copy(p[len(p)-proofSize:], prove(p[:len(p)-proofField]))
	return p
}

// proved says whether raw ends with the proof that prove gives for the rest.
func proved(raw []byte, prove func(said []byte) []byte) bool {
	if len(raw) < headSize+proofField {
		return false
	}
	said, field := raw[:len(raw)-proofField], raw[len(raw)-proofField:]
	return bytes.HasPrefix(field, []byte{byte(tagProof), 0, proofSize}) && hmac.Equal(field[headSize:], prove(said))
}

// joinMessage is the dialler's: it wants to be connection number of a session.
func joinMessage(d *draw, key, id []byte, number int, binding []byte) ([]byte, error) {
	nonce, err := d.bytes(nonceSize)
	if err != nil {
		return nil, err
	}
	f := fields{tagVersions: {version}, tagNonce: nonce, tagSession: id, tagNumber: {byte(number)}}
	return f.withProof(typeJoin, func(said []byte) []byte { return joinProof(key, "dialler", binding, said) }), nil
}

func joinProved(key, join, binding []byte) bool {
	return proved(join, func(said []byte) []byte { return joinProof(key, "dialler", binding, said) })
}

// joinedMessage is the listener's answer to join.
func joinedMessage(d *draw, key, join, binding []byte) ([]byte, error) {
	nonce, err := d.bytes(nonceSize)
	if err != nil {
		return nil, err
	}
	f := fields{tagVersions: {version}, tagNonce: nonce}
	return f.withProof(typeJoined, func(said []byte) []byte { return joinProof(key, "listener", binding, join, said) }), nil
}

func joinedProved(key, join, joined, binding []byte) bool {
	return proved(joined, func(said []byte) []byte { return joinProof(key, "listener", binding, join, said) })
}

// checkJoin looks at a join's form.
func checkJoin(f *fields) error {
	if err := f.need(tagVersions, tagNonce, tagSession, tagNumber, tagProof); err != nil {
		return err
	}
	if !slices.Contains(f[tagVersions], version) {
		return ErrVersion
	}
	if n := f[tagNumber][0]; n < 1 || n > maxStreams {
		return broken("connection number %d", n)
	}
	return nil
}
