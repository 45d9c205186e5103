package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"dialtone/app/digest"
	"dialtone/app/pairing"

	"github.com/klauspost/compress/zstd"
)

// TestHostilePeers has the real command meet ends that mean it harm. Package
// transfer has the suites of what they can say; here is what a person sees of it,
// and what the process needs.
func TestHostilePeers(t *testing.T) {
	p := buildProgram(t)
	for name, f := range map[string]func(*testing.T, program){
		"a million entries":             testMillionEntries,
		"bombs":                         testBombs,
		"names for terminals, sender":   testEvilSenderWords,
		"names for terminals, receiver": testEvilReceiverWords,
		"wrong codes":                   testWrongCodes,
		"man in the middle":             testManInTheMiddle,
		"downgrade":                     testDowngrade,
		"replay":                        testReplay,
		"strangers":                     testStrangers,
	} {
		t.Run(name, func(t *testing.T) { f(t, p) })
	}
}

// smallMemory is what an end may need, whatever it is sent.
const smallMemory = 64 << 20

// wire is a peer played by hand: it speaks the frames of spec.md section 4.
type wire struct {
	t *testing.T
	c net.Conn
}

// meet dials a command that waits with --plain --no-auth.
func meet(t *testing.T, addr string) *wire {
	t.Helper()
	d := &pairing.Dialer{Config: pairing.Config{Plain: true, NoAuth: true, Name: "\x1b[31mhand\a"}}
	s, err := d.Dial(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &wire{t, s.Conn()}
}

func (w *wire) say(kind byte, head []byte) { w.write(kind, head, nil) }

func (w *wire) write(kind byte, head, body []byte) {
	b := binary.BigEndian.AppendUint32(nil, uint32(kind)<<24|uint32(len(head)))
	b = binary.BigEndian.AppendUint32(b, uint32(len(body)))
	sum := digest.Of(append(bytes.Clone(b), head...))
	b = append(append(append(b, sum[:8]...), head...), body...)
	w.c.SetWriteDeadline(time.Now().Add(patience))
	w.c.Write(b)
}

// next reads a frame's head; ok is false at the end.
func (w *wire) next() (kind byte, head []byte, ok bool) {
	var fixed [16]byte
	w.c.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.ReadFull(w.c, fixed[:]); err != nil {
		return 0, nil, false
	}
	head = make([]byte, int(fixed[1])<<16|int(fixed[2])<<8|int(fixed[3]))
	if _, err := io.ReadFull(w.c, head); err != nil {
		return 0, nil, false
	}
	_, err := io.CopyN(io.Discard, w.c, int64(binary.BigEndian.Uint32(fixed[4:])))
	return fixed[0], head, err == nil
}

// drain reads until a frame of the given kind, an abort or the end.
func (w *wire) drain(until byte) (head []byte) {
	for {
		kind, head, ok := w.next()
		if kind == 17 {
			w.c.Close() // as whoever is told so does
		}
		if !ok || kind == until || kind == 17 {
			return head
		}
	}
}

func (w *wire) helloAs(role byte) { w.say(1, []byte{1, 1, role, 2, 1, 1}) }

// offer is hello and offer, with chunks of 1 MiB.
func (w *wire) offer() {
	w.helloAs(1)
	w.say(2, append([]byte{1, 3}, binary.AppendUvarint(nil, 1<<20)...))
}

func appendName(b []byte, kind byte, path string, size uint64) []byte {
	b = binary.AppendUvarint(append(b, kind, 0), uint64(len(path)))
	b = append(b, path...)
	if kind == 3 {
		return b
	}
	b = append(b, 0, 0, 0) // time, flags
	b = binary.AppendUvarint(b, 0o644)
	if kind == 1 {
		b = binary.AppendUvarint(b, size+1)
	}
	return b
}

// raw returns what in the text would move a terminal.
func raw(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == '\u202e' {
			return r
		}
		return -1
	}, text)
}

func (p program) openReceiver(t *testing.T, args ...string) (*child, *wire, string) {
	t.Helper()
	dir := t.TempDir()
	c, addr := p.waits(t, nil, append([]string{"receive", "--plain", "--no-auth", "--dir", dir}, args...)...)
	go c.measure()
	return c, meet(t, addr), dir
}

func testMillionEntries(t *testing.T, p program) {
	const million = 1_000_000
	for name, entry := range map[string]func(i int) []byte{
		"refused": func(i int) []byte { return appendName(nil, 1, fmt.Sprintf("../%d-of-a-million", i), 1) },
		"left":    func(i int) []byte { return appendName(nil, 3, fmt.Sprint("never-entered-", i), 0) },
	} {
		c, w, dir := p.openReceiver(t)
		w.offer()
		ended := make(chan struct{})
		go func() { defer close(ended); w.drain(13) }()
		var head []byte
		for i := range million {
			if head = append(head, entry(i)...); len(head) > 1<<16 || i == million-1 {
				w.say(4, head)
				head = head[:0]
			}
		}
		w.say(12, append([]byte{1, 3}, binary.AppendUvarint(nil, million)...))
		<-ended
		w.c.Close()
		if code := c.end(); code != 1 || len(c.errors()) != 1 {
			t.Errorf("ends with %d: %.300s", code, c.out.String())
		}
		if peak := c.peak.Load(); peak > smallMemory {
			t.Errorf("%s: %d MiB", name, peak>>20)
		}
		t.Logf("hostile: a million entries %s in %d MiB; %q", name, c.peak.Load()>>20, c.errors())
		if list, _ := os.ReadDir(dir); len(list) != 0 {
			t.Error(list)
		}
	}
	// Folders within folders are refused where they get too deep, and files that
	// never come where they get too many.
	c, w, _ := p.openReceiver(t)
	w.offer()
	for i := range 100 {
		var head []byte
		for k := range 1000 {
			head = appendName(head, 1, fmt.Sprint("wanted", i*1000+k), 1)
		}
		w.say(4, head)
	}
	w.drain(17)
	c.failed()
	if peak := c.peak.Load(); peak > smallMemory {
		t.Errorf("wanted: %d MiB", peak>>20)
	}
	t.Logf("hostile: 100,000 files that never come, in %d MiB; %q", c.peak.Load()>>20, c.errors())
}

func testBombs(t *testing.T, p program) {
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	enc.Reset(&packed)
	zeros := make([]byte, 1<<20)
	for range 1 << 10 {
		enc.Write(zeros)
	}
	enc.Close()
	c, w, dir := p.openReceiver(t)
	w.offer()
	w.say(4, appendName(nil, 1, "f", 1000))
	w.drain(5)
	sum := digest.Of(make([]byte, 1000))
	head := append([]byte{1, 0, 1 | 4, 0}, binary.AppendUvarint(nil, 1000)...)
	w.write(6, append(head, sum[:]...), packed.Bytes())
	w.drain(17)
	c.failed()
	if peak := c.peak.Load(); peak > smallMemory {
		t.Errorf("%d MiB", peak>>20)
	}
	if list, _ := os.ReadDir(dir); len(list) != 0 {
		t.Error(list)
	}
	t.Logf("hostile: 1 GiB of zeros in %d KiB, in %d MiB; %q", packed.Len()>>10, c.peak.Load()>>20, c.errors())
}

const evil = "\x1b]0;owned\a\x1b[2J\x1b[31mred\u202e\u009b31m\r\x7f\n"

// testEvilSenderWords names files, and stops, with words that would drive a
// terminal.
func testEvilSenderWords(t *testing.T, p program) {
	for _, args := range [][]string{{"-v"}, {"--json"}, {"-v", "--on-conflict", "fail"}} {
		c, w, dir := p.openReceiver(t, args...)
		name := strings.ReplaceAll(evil, "/", "")
		os.WriteFile(filepath.Join(dir, name+"there"), []byte("x"), 0o644)
		w.offer()
		head := appendName(nil, 1, name, 1)
		head = appendName(head, 1, name+"there", 1)
		w.say(4, appendName(head, 1, "../"+name, 1))
		w.drain(5)
		sum := digest.Of([]byte("y"))
		head = append([]byte{0, 0, 1 | 4, 0, 1}, sum[:]...)
		w.write(6, head, []byte("y"))
		w.drain(8)
		w.say(17, append(append([]byte{1, 1, 1, 2}, byte(len(evil))), evil...))
		w.c.Close()
		c.failed()
		if got := raw(c.out.String()); got != "" {
			t.Errorf("%v prints %q in %q", args, got, c.out.String())
		}
	}
}

// testEvilReceiverWords answers with such words.
func testEvilReceiverWords(t *testing.T, p program) {
	text := append([]byte{byte(len(evil))}, evil...)
	src := t.TempDir()
	for _, name := range []string{"a", "b"} {
		if err := os.WriteFile(filepath.Join(src, name), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"-v"}, {"--json"}} {
		for name, play := range map[string]func(w *wire){
			"refusal": func(w *wire) { w.say(5, append([]byte{1, 7}, text...)) },
			"skip":    func(w *wire) { w.say(5, append([]byte{1, 6}, text...)) },
			"note":    func(w *wire) { w.say(11, append(append([]byte{0}, text...), text...)) },
			"failure": func(w *wire) { w.say(11, append(append([]byte{1}, text...), text...)) },
			"result": func(w *wire) {
				w.say(5, []byte{1, 3, 3, 1})
				w.drain(6)
				w.say(8, append([]byte{1, 1}, text...))
				w.say(8, append([]byte{2, 0}, text...))
			},
			"abort": func(*wire) {},
		} {
			t.Run(name+args[0], func(t *testing.T) {
				c, addr := p.waits(t, nil, append([]string{"send", "--wait", src, "--plain", "--no-auth"}, args...)...)
				w := meet(t, addr)
				w.helloAs(2)
				w.say(3, []byte{1, 1, 1})
				w.drain(12) // all is named
				play(w)
				w.say(17, append([]byte{1, 1, 1, 2}, text...))
				w.drain(17)
				w.c.Close()
				c.failed()
				if got := raw(c.out.String()); got != "" {
					t.Errorf("prints %q in %q", got, c.out.String())
				}
			})
		}
	}
}

func testWrongCodes(t *testing.T, p program) {
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	c, addr := p.waits(t, nil, "receive", "--code", testCode, "--dir", dir)
	for i := range 3 {
		s := p.start(t, nil, "send", file, addr, "--code", fmt.Sprint(i, "-wrong-guess"))
		s.failed()
	}
	c.failed()
	s := p.start(t, nil, "send", file, addr, "--code", testCode)
	if s.end() != 1 {
		t.Error("the right code after three wrong ones was taken")
	}
	if list, _ := os.ReadDir(dir); len(list) != 0 {
		t.Error(list)
	}
	t.Logf("hostile: three wrong codes: %q", c.errors())
}

// anyCertificate is anybody's certificate.
func anyCertificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"dialtone"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// between lets f carry each connection of a client to the waiting end at addr.
func between(t *testing.T, addr string, f func(client, server net.Conn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	group.Go(func() {
		for {
			a, err := ln.Accept()
			if err != nil {
				return
			}
			group.Go(func() {
				defer a.Close()
				b, err := net.Dial("tcp", addr)
				if err != nil {
					return
				}
				defer b.Close()
				defer context.AfterFunc(ctx, func() { a.Close(); b.Close() })()
				f(a, b)
			})
		}
	})
	t.Cleanup(func() { cancel(); ln.Close(); group.Wait() })
	return ln.Addr().String()
}

// splice carries bytes both ways until either end is over.
func splice(a, b net.Conn) {
	var group sync.WaitGroup
	group.Go(func() { io.Copy(a, b); a.Close() })
	io.Copy(b, a)
	b.Close()
	group.Wait()
}

// testManInTheMiddle puts somebody between the two who speaks TLS with each, under
// his own certificate. Both have the right code.
func testManInTheMiddle(t *testing.T, p program) {
	cert := anyCertificate(t)
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, []byte("secret of the two"), 0o644); err != nil {
		t.Fatal(err)
	}
	c, addr := p.waits(t, nil, "receive", "--code", testCode, "--dir", dir)
	var mu sync.Mutex
	var heard bytes.Buffer
	middle := between(t, addr, func(client, server net.Conn) {
		a := tls.Server(client, &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"dialtone/1"}, ClientAuth: tls.RequestClientCert})
		b := tls.Client(server, &tls.Config{Certificates: []tls.Certificate{cert}, InsecureSkipVerify: true, NextProtos: []string{"dialtone/1"}})
		if a.Handshake() != nil || b.Handshake() != nil {
			t.Error("the man in the middle has no TLS")
			return
		}
		splice(&overheard{Conn: a, mu: &mu, to: &heard}, b)
	})
	for range 3 {
		s := p.start(t, nil, "send", file, middle, "--code", testCode)
		s.failed()
		t.Logf("hostile: a man in the middle: %q", s.errors())
	}
	c.failed() // three tries
	t.Logf("hostile: a man in the middle: %q", c.errors())
	if list, _ := os.ReadDir(dir); len(list) != 0 {
		t.Error(list)
	}
	mu.Lock()
	defer mu.Unlock()
	if heard.Len() == 0 || bytes.Contains(heard.Bytes(), []byte("secret of")) {
		t.Errorf("he heard %d bytes", heard.Len())
	}
}

// overheard is a connection that keeps what is read from it.
type overheard struct {
	net.Conn
	mu *sync.Mutex
	to *bytes.Buffer
}

func (l *overheard) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.to.Write(p[:n])
	return n, err
}

// testDowngrade asks each end for less than it was started for.
func testDowngrade(t *testing.T, p program) {
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name          string
		receive, send []string
	}{
		{"plain to TLS", []string{"--code", testCode}, []string{"--code", testCode, "--plain"}},
		{"TLS to plain", []string{"--code", testCode, "--plain"}, []string{"--code", testCode}},
		{"nobody to a code", []string{"--code", testCode}, []string{"--no-auth"}},
		{"nobody to a code, plain", []string{"--code", testCode, "--plain"}, []string{"--no-auth", "--plain"}},
		{"a code to nobody", []string{"--no-auth"}, []string{"--code", testCode}},
		{"a code to nobody, plain", []string{"--no-auth", "--plain"}, []string{"--code", testCode, "--plain"}},
	} {
		dir := t.TempDir()
		r, addr := p.waits(t, nil, append([]string{"receive", "--dir", dir}, c.receive...)...)
		s := p.start(t, nil, append([]string{"send", file, addr}, c.send...)...)
		s.failed()
		t.Logf("hostile: %s: %q", c.name, s.errors())
		r.kill()
		if list, _ := os.ReadDir(dir); len(list) != 0 {
			t.Errorf("%s: %v", c.name, list)
		}
	}
}

// testReplay records a transfer without encryption and plays it again.
func testReplay(t *testing.T, p program) {
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, bytes.Repeat([]byte("replay"), 10_000), 0o644); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var record bytes.Buffer
	r, addr := p.waits(t, nil, "receive", "--plain", "--code", testCode, "--dir", t.TempDir())
	by := between(t, addr, func(client, server net.Conn) { splice(&overheard{Conn: client, mu: &mu, to: &record}, server) })
	p.start(t, nil, "send", file, by, "--plain", "--code", testCode, "--streams", "1").went()
	r.went()

	dir := t.TempDir()
	r, addr = p.waits(t, nil, "receive", "--plain", "--code", testCode, "--dir", dir)
	for range 3 {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			break
		}
		mu.Lock()
		c.Write(record.Bytes())
		mu.Unlock()
		c.(*net.TCPConn).CloseWrite()
		c.SetReadDeadline(time.Now().Add(patience))
		io.Copy(io.Discard, c)
		c.Close()
	}
	if list, _ := os.ReadDir(dir); len(list) != 0 {
		t.Errorf("what was replayed arrived: %v", list)
	}
	r.kill()
	r.end()
	t.Logf("hostile: %d bytes replayed: %q", record.Len(), r.errors())
}

// testStrangers has things arrive that are no dialtone at all, while the one who
// is awaited comes later.
func testStrangers(t *testing.T, p program) {
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	r, addr := p.waits(t, nil, "receive", "--code", testCode, "--dir", dir)
	for _, words := range []string{"", "\x00", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01\xff\xff", "SSH-2.0-x\r\n", strings.Repeat("\xff", 100_000)} {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, words)
		defer c.Close() // it stays, and says nothing more
	}
	p.start(t, nil, "send", file, addr, "--code", testCode).went()
	r.went()
	if _, err := os.Stat(filepath.Join(dir, "f")); err != nil {
		t.Error(err)
	}
}
