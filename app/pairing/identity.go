package pairing

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

// identityFile is the name of the key's file in the configuration folder.
const identityFile = "identity.pem"

// A Fingerprint names a key: SHA-256 of its SubjectPublicKeyInfo (RFC 7469 §2.4).
type Fingerprint [sha256.Size]byte

// String returns 43 characters of unpadded base64url, RFC 4648 §5.
func (f Fingerprint) String() string { return base64.RawURLEncoding.EncodeToString(f[:]) }

// IsZero says whether there is no key.
func (f Fingerprint) IsZero() bool { return f == Fingerprint{} }

// ParseFingerprint is the inverse of String.
func ParseFingerprint(s string) (f Fingerprint, err error) {
	p, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(p) != len(f) {
		return f, fmt.Errorf("%q is no fingerprint", s)
	}
	return Fingerprint(p), nil
}

func fingerprintOf(c *x509.Certificate) Fingerprint {
	return sha256.Sum256(c.RawSubjectPublicKeyInfo)
}

// An Identity is a machine's key, ECDSA on P-256, and a certificate that it has
// signed for itself.
type Identity struct {
	certificate tls.Certificate
	fingerprint Fingerprint
}

// Fingerprint names the key.
func (i *Identity) Fingerprint() Fingerprint { return i.fingerprint }

// NewIdentity makes a key that is nowhere kept.
func NewIdentity() (*Identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("pairing: make a key: %w", err)
	}
	return identityOf(key)
}

// identityOf makes the certificate. Only its key counts, which is why it says
// nothing and does not expire.
func identityOf(key crypto.Signer) (*Identity, error) {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "dialtone"},
		NotBefore:    time.Unix(0, 0),
		NotAfter:     time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), // RFC 5280 §4.1.2.5: none
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("pairing: make a certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("pairing: make a certificate: %w", err)
	}
	return &Identity{
		certificate: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf},
		fingerprint: fingerprintOf(leaf),
	}, nil
}

// LoadIdentity reads the key in dir, or makes it there, readable by its owner
// only, when there is none. Both ends of a race get the same one.
func LoadIdentity(dir string) (*Identity, error) {
	name := filepath.Join(dir, identityFile)
	i, err := readIdentity(name)
	if !errors.Is(err, fs.ErrNotExist) {
		return i, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("pairing: make the configuration folder: %w", err)
	}
	unlock, err := lock(name + ".lock")
	if err != nil {
		return nil, err
	}
	defer unlock()
	if i, err := readIdentity(name); !errors.Is(err, fs.ErrNotExist) {
		return i, err // made meanwhile
	}
	if i, err = NewIdentity(); err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(i.certificate.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("pairing: %w", err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return i, replaceFile(name, text)
}

func readIdentity(name string) (*Identity, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("pairing: read this machine's key: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, fmt.Errorf("pairing: %s is no private key in PEM", name)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("pairing: %s: %w", name, err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("pairing: %s: a key that cannot sign", name)
	}
	return identityOf(signer)
}

// replaceFile writes a file whole or not at all, readable by its owner only.
func replaceFile(name string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".tmp-*") // 0600
	if err != nil {
		return fmt.Errorf("pairing: write %s: %w", name, err)
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("pairing: write %s: %w", name, err)
	}
	return nil
}
