package pairing_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dialtone/app/pairing"

	"pgregory.net/rapid"
)

func TestKnownPeersNeedNoCode(t *testing.T) {
	desk, laptop := identity(t), identity(t)
	d := listen(t, pairing.Config{Identity: desk, Known: known(t, named(laptop, "laptop"))}, pairing.ListenOptions{})
	peers := known(t, named(desk, "desk"))
	a, b := meet(t, d, pairing.Config{Identity: laptop, Known: peers, Name: "laptop"})
	talks(t, a.Conn(), b.Conn())
	if p := a.Peer(); p.How != "known" || p.Fingerprint != desk.Fingerprint() || !p.Encrypted {
		t.Errorf("%+v", p)
	}
	if p := b.Peer(); p.How != "known" || p.Fingerprint != laptop.Fingerprint() {
		t.Errorf("%+v", p)
	}
	if p, ok, err := peers.Lookup(desk.Fingerprint()); !ok || err != nil || p.Addr != d.Addr().String() {
		t.Errorf("the last address is not noted: %+v", p)
	}
	_, err := a.Open(within(t))
	must(t, err)
}

func TestBothEndsMustKnowEachOther(t *testing.T) {
	desk, laptop := identity(t), identity(t)
	d := listen(t, pairing.Config{Identity: desk, Known: known(t, named(laptop, "laptop"))}, pairing.ListenOptions{})
	refused(t, d, pairing.Config{Identity: laptop, Known: known(t)}, pairing.ErrUnknownPeer, pairing.ErrUnknownPeer)
	refused(t, d, pairing.Config{Identity: identity(t), Known: known(t, named(desk, "desk"))}, pairing.ErrUnknownPeer, pairing.ErrUnknownPeer)
}

func TestForgottenPeersAreOutAtOnce(t *testing.T) {
	desk, laptop := identity(t), identity(t)
	peers := known(t, named(laptop, "laptop"))
	d := listen(t, pairing.Config{Identity: desk, Known: peers}, pairing.ListenOptions{})
	c := pairing.Config{Identity: laptop, Known: known(t, named(desk, "desk"))}
	meet(t, d, c)
	gone, err := peers.Forget("laptop")
	must(t, err)
	if len(gone) != 1 || gone[0].Fingerprint != laptop.Fingerprint() {
		t.Errorf("%+v", gone)
	}
	refused(t, d, c, pairing.ErrUnknownPeer, pairing.ErrUnknownPeer)
}

func TestAChangedKeyIsLoud(t *testing.T) {
	desk, laptop := identity(t), identity(t)
	impostor := identity(t)
	d := listen(t, pairing.Config{Identity: impostor, Name: "desk", Known: known(t, named(laptop, "laptop"))}, pairing.ListenOptions{})
	_, err := dial(t, d.Addr(), pairing.Config{Identity: laptop, Known: known(t, named(desk, "desk"))})
	var changed *pairing.ChangedKeyError
	if !errors.As(err, &changed) || changed.Name != "desk" || changed.Pinned != desk.Fingerprint() || changed.Now != impostor.Fingerprint() {
		t.Errorf("the dialler says %v", err)
	}
	<-d.notices

	_, err = dial(t, d.Addr(), pairing.Config{Identity: identity(t), Name: "laptop", Known: known(t, named(impostor, "desk"))})
	if !errors.Is(err, pairing.ErrUnknownPeer) {
		t.Errorf("the dialler says %v", err)
	}
	if strings.Contains(err.Error(), "another key pinned") {
		t.Errorf("a stranger learns who is pinned: %v", err)
	}
	if err := <-d.notices; !errors.As(err, &changed) || changed.Name != "laptop" {
		t.Errorf("noticed %v", err)
	}
}

func TestACodeOnceThenKnown(t *testing.T) {
	desk := pairing.Config{Code: code, Identity: identity(t), Known: known(t), Remember: true, Name: "desk"}
	laptop := pairing.Config{Code: code, Identity: identity(t), Known: known(t), Remember: true, Name: "laptop"}
	d := listen(t, desk, pairing.ListenOptions{})
	meet(t, d, laptop)
	must(t, d.SetCode(""))
	laptop.Code = ""
	a, b := meet(t, d, laptop)
	if a.Peer().How != "known" || b.Peer().How != "known" {
		t.Errorf("%+v, %+v", a.Peer(), b.Peer())
	}
	list, err := desk.Known.List()
	must(t, err)
	if len(list) != 1 || list[0].Name != "laptop" || list[0].Addr != "127.0.0.1" {
		t.Errorf("%+v", list)
	}
}

func TestRememberWaitsForTheCode(t *testing.T) {
	peers := known(t)
	d := listen(t, pairing.Config{Code: code, Known: peers, Remember: true}, pairing.ListenOptions{})
	guess := known(t)
	refused(t, d, pairing.Config{Code: wrong, Known: guess, Remember: true}, pairing.ErrWrongCode, pairing.ErrWrongCode)
	meet(t, d, pairing.Config{Code: code}) // keeps nothing: it was not asked to
	for want, k := range map[int]*pairing.KnownPeers{0: guess, 1: peers} {
		if list, err := k.List(); err != nil || len(list) != want {
			t.Errorf("%v, %v, want %d", list, err, want)
		}
	}
}

func TestANameIsNotPinnedTwice(t *testing.T) {
	old := identity(t)
	peers := known(t, named(old, "laptop"))
	d := listen(t, pairing.Config{Code: code, Known: peers, Remember: true}, pairing.ListenOptions{})
	_, err := dial(t, d.Addr(), pairing.Config{Code: code, Name: "laptop"})
	if !errors.Is(err, pairing.ErrUnknownPeer) || !strings.Contains(err.Error(), "another key pinned") {
		t.Errorf("the dialler says %v", err)
	}
	_, err = dial(t, d.Addr(), pairing.Config{Code: wrong, Name: "laptop"})
	if !errors.Is(err, pairing.ErrWrongCode) {
		t.Errorf("with a wrong code it says %v", err)
	}
	var changed *pairing.ChangedKeyError
	if err := <-d.notices; !errors.As(err, &changed) {
		t.Errorf("noticed %v", err)
	}
	<-d.notices
	if err := peers.Pin(named(identity(t), "laptop")); !errors.As(err, &changed) {
		t.Errorf("Pin says %v", err)
	}
	if list, err := peers.List(); err != nil || len(list) != 1 || list[0].Fingerprint != old.Fingerprint() {
		t.Errorf("%v, %v", list, err)
	}
}

func TestKnownPeersAreKeptInAFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	k := knownIn(t, dir)
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringOf(rapid.RuneFrom([]rune("ab \"'#\\é日-"))).Draw(t, "name")
		p := pairing.KnownPeer{
			Fingerprint: pairing.Fingerprint(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key")),
			Name:        name, Since: time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "since"), 0).UTC(),
			Addr: rapid.String().Draw(t, "addr"),
		}
		if p.Fingerprint.IsZero() {
			return
		}
		if name != "" {
			k.Forget(name)
		}
		k.Forget(p.Fingerprint.String())
		if err := k.Pin(p); err != nil {
			t.Fatal(err)
		}
		list, err := k.List()
		if err != nil {
			t.Fatal(err)
		}
		got := list[len(list)-1]
		if len(p.Name) > 64 {
			got.Name = p.Name // cut
		}
		if got != p {
			t.Fatalf("%+v came back as %+v", p, got)
		}
	})
	if runtime.GOOS != "windows" {
		info, err := os.Stat(filepath.Join(dir, "known_peers"))
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v", info.Mode())
		}
	}
}

func TestCommentsOfKnownPeersStay(t *testing.T) {
	file := filepath.Join(t.TempDir(), "known_peers")
	p := named(identity(t), "desk")
	must(t, os.WriteFile(file, []byte("# mine\n\n"), 0o600))
	k, err := pairing.OpenKnownPeers(file)
	must(t, err)
	must(t, k.Pin(p))
	_, err = k.Forget("desk")
	must(t, err)
	text, err := os.ReadFile(file)
	must(t, err)
	if string(text) != "# mine\n\n" {
		t.Errorf("%q", text)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(file), ".tmp-*"))
	must(t, err)
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestBrokenLinesAreNamed(t *testing.T) {
	good := identity(t).Fingerprint().String()
	for _, line := range []string{
		"nonsense", good, good + " desk", good + " desk yesterday 192.0.2.1",
		good + " desk 2026-11-21T09:00:00Z 192.0.2.1 more", good[1:] + " desk 2026-11-21T09:00:00Z 192.0.2.1",
		good + ` "desk 2026-11-21T09:00:00Z 192.0.2.1`, good + ` "de\x07sk" 2026-11-21T09:00:00Z 192.0.2.1`,
	} {
		file := filepath.Join(t.TempDir(), "known_peers")
		must(t, os.WriteFile(file, []byte("# one\n# two\n"+line+"\n"), 0o600))
		_, err := pairing.OpenKnownPeers(file)
		if err == nil || !strings.Contains(err.Error(), file+":3: ") {
			t.Errorf("%q: %v", line, err)
		}
	}
}

// TestABrokenFileLetsNobodyIn guards against a file that cannot be read counting as
// one that pins nobody or everybody.
func TestABrokenFileLetsNobodyIn(t *testing.T) {
	desk, laptop := identity(t), identity(t)
	dir := t.TempDir()
	k := knownIn(t, dir)
	must(t, k.Pin(named(laptop, "laptop")))
	d := listen(t, pairing.Config{Identity: desk, Known: k}, pairing.ListenOptions{})
	must(t, os.WriteFile(filepath.Join(dir, "known_peers"), []byte("???\n"), 0o600))
	if _, err := dial(t, d.Addr(), pairing.Config{Identity: laptop, Known: known(t, named(desk, "desk"))}); err == nil {
		t.Error("let in")
	}
	if err := <-d.notices; !strings.Contains(err.Error(), "known_peers:1") {
		t.Error(err)
	}
	if err := k.Pin(named(desk, "desk")); err == nil {
		t.Error("a broken file is overwritten")
	}
}

func TestPinsDoNotGetLost(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	for i := range 20 {
		id := identity(t)
		wg.Go(func() {
			k, err := pairing.OpenKnownPeers(filepath.Join(dir, "known_peers"))
			if err == nil {
				err = k.Pin(named(id, fmt.Sprint("peer ", i)))
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if list, err := knownIn(t, dir).List(); err != nil || len(list) != 20 {
		t.Errorf("%d are left, %v", len(list), err)
	}
}

func TestAnIdentityIsKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	var wg sync.WaitGroup
	found := make([]pairing.Fingerprint, 8)
	for i := range found {
		wg.Go(func() {
			id, err := pairing.LoadIdentity(dir)
			if err != nil {
				t.Error(err)
				return
			}
			found[i] = id.Fingerprint()
		})
	}
	wg.Wait()
	if len(slices.Compact(found)) != 1 || found[0].IsZero() {
		t.Errorf("%v", found)
	}
	info, err := os.Stat(filepath.Join(dir, "identity.pem"))
	must(t, err)
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	must(t, os.WriteFile(filepath.Join(dir, "identity.pem"), []byte("gone"), 0o600))
	if _, err := pairing.LoadIdentity(dir); err == nil {
		t.Error("a broken key is taken, or replaced")
	}
}

func TestFingerprintsAsText(t *testing.T) {
	f := identity(t).Fingerprint()
	if g, err := pairing.ParseFingerprint(f.String()); err != nil || g != f || len(f.String()) != 43 {
		t.Errorf("%v, %v", g, err)
	}
	for _, s := range []string{"", "x", f.String() + "A", strings.Repeat("*", 43)} {
		if _, err := pairing.ParseFingerprint(s); err == nil {
			t.Errorf("%q is taken", s)
		}
	}
}

// An authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	c, err := x509.ParseCertificate(der)
	must(t, err)
	return authority{c, key}
}

func (a authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.certificate)
	return p
}

func (a authority) issue(t *testing.T, name string) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{name},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	must(t, err)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestCertificatesOfACommonAuthority(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	server := pairing.Config{CA: ours.pool(), Certificate: ours.issue(t, "desk.example")}
	client := pairing.Config{CA: ours.pool(), Certificate: ours.issue(t, "laptop.example"), ServerName: "desk.example"}
	d := listen(t, server, pairing.ListenOptions{})
	a, b := meet(t, d, client)
	talks(t, a.Conn(), b.Conn())
	if a.Peer().How != "ca" || b.Peer().How != "ca" {
		t.Errorf("%+v, %+v", a.Peer(), b.Peer())
	}
	_, err := a.Open(within(t))
	must(t, err)

	stranger := client
	stranger.Certificate = theirs.issue(t, "laptop.example")
	refused(t, d, stranger, pairing.ErrNotWanted, pairing.ErrNotWanted)
	stranger.Certificate = nil
	refused(t, d, stranger, pairing.ErrNotWanted, pairing.ErrNotWanted)

	for name, c := range map[string]pairing.Config{
		"another name":      {CA: ours.pool(), Certificate: client.Certificate, ServerName: "other.example"},
		"another authority": {CA: theirs.pool(), Certificate: client.Certificate, ServerName: "desk.example"},
		"with a code":       {CA: theirs.pool(), Code: code, ServerName: "desk.example"},
	} {
		var unknown x509.UnknownAuthorityError
		var host x509.HostnameError
		if _, err := dial(t, d.Addr(), c); !errors.As(err, &unknown) && !errors.As(err, &host) {
			t.Errorf("%s: %v", name, err)
		}
		<-d.notices
	}
}

func TestACertificateBesideACode(t *testing.T) {
	ours := newAuthority(t)
	d := listen(t, pairing.Config{Code: code, Certificate: ours.issue(t, "desk.example")}, pairing.ListenOptions{})
	c := pairing.Config{Code: code, CA: ours.pool(), ServerName: "desk.example"}
	if a, _ := meet(t, d, c); a.Peer().How != "code" {
		t.Errorf("%+v", a.Peer())
	}
	c.Code = wrong
	refused(t, d, c, pairing.ErrWrongCode, pairing.ErrWrongCode)
}
