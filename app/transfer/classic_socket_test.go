package transfer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// What only real sockets show.

func TestClassicByTheKernel(t *testing.T) {
	for _, v := range []Classic{Classic1, Classic3} {
		t.Run(v.String(), func(t *testing.T) {
			t.Parallel()
			want := classicBytes(3<<20 + 1)
			path := filepath.Join(t.TempDir(), "a")
			if err := os.WriteFile(path, append([]byte("skip "), want...), 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			f.Seek(5, io.SeekStart)
			there, here := dialClassic(t)
			var dst classicShelf
			done := make(chan error)
			go func() {
				_, err := ReceiveClassic(t.Context(), here, v, &dst, ReceiveOptions{})
				done <- err
			}()
			sum, err := SendClassic(t.Context(), there, v, "a", f, int64(len(want)), SendOptions{Verify: VerifyNone, Rate: 100 << 20})
			if err := errors.Join(err, <-done); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(dst.body.Bytes(), want) || sum.Bytes != int64(len(want)) {
				t.Errorf("%d bytes arrived, %+v", dst.body.Len(), sum)
			}
		})
	}
}

func TestClassicByTheKernelShrinks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	if err := os.WriteFile(path, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	there, here := dialClassic(t)
	var dst classicShelf
	done := make(chan error)
	go func() {
		_, err := ReceiveClassic(t.Context(), here, Classic1, &dst, ReceiveOptions{})
		done <- err
	}()
	if _, err := SendClassic(t.Context(), there, Classic1, "a", f, 6, SendOptions{Verify: VerifyNone}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the sender says %v", err)
	}
	if err := <-done; !errors.Is(err, syscall.ECONNRESET) || dst.kept {
		t.Errorf("the receiver says %v", err)
	}
}

// A reset is no end, however it comes about.
func TestClassicReset(t *testing.T) {
	there, here := dialClassic(t)
	go func() {
		io.WriteString(there, "a.txt\n")
		io.ReadFull(there, make([]byte, 2))
		io.WriteString(there, "hello")
		there.(*net.TCPConn).SetLinger(0)
		there.Close()
	}()
	var dst classicShelf
	if _, err := ReceiveClassic(t.Context(), here, Classic1, &dst, ReceiveOptions{}); !errors.Is(err, syscall.ECONNRESET) || dst.kept || !dst.gone {
		t.Errorf("%v, kept %v, gone %v", err, dst.kept, dst.gone)
	}
}

// A receiver that says why it stops is heard.
func TestClassicLastWords(t *testing.T) {
	there, here := dialClassic(t)
	go func() {
		there.Read(make([]byte, 4096))
		io.WriteString(there, "ok")
		io.ReadFull(there, make([]byte, 1<<20))
		io.WriteString(there, "disk full")
		there.Close() // with content unread: a reset
	}()
	_, err := SendClassic(t.Context(), here, Classic1, "a", zeros{}, -1, SendOptions{})
	if err == nil || !strings.Contains(err.Error(), "the connection failed") {
		t.Errorf("%v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// gigabyte is a reader of gibi bytes, 1 GiB, always the same, and a writer that takes
// nothing else: comparing every byte is cheaper than hashing, and says more.
type gigabyte struct{ at int }

var gigabyteBlock = sync.OnceValue(func() []byte { return classicBytes(1<<20 + 13) })

// next returns what comes at g.at, at most n bytes.
func (g *gigabyte) next(n int) []byte {
	block := gigabyteBlock()
	p := block[g.at%len(block):]
	p = p[:min(n, len(p), gibi-g.at)]
	g.at += len(p)
	return p
}

func (g *gigabyte) Read(p []byte) (int, error) {
	if g.at == gibi {
		return 0, io.EOF
	}
	return copy(p, g.next(len(p))), nil
}

func (g *gigabyte) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		want := g.next(len(rest))
		if len(want) == 0 || !bytes.Equal(want, rest[:len(want)]) {
			return 0, fmt.Errorf("other bytes before %d", g.at)
		}
		rest = rest[len(want):]
	}
	return len(p), nil
}

func TestClassicGigabyte(t *testing.T) {
	if testing.Short() {
		t.Skip("4 GiB pass through this test")
	}
	for _, c := range []struct {
		v       Classic
		send    beginnerSends
		receive beginnerReceives
	}{{Classic1, sendPlain, answering("ok")}, {Classic3, send3Plain, answering3("OK")}} {
		t.Run(fmt.Sprintf("%v sends", c.v), func(t *testing.T) {
			t.Parallel()
			there, here := dialClassic(t)
			var dst gigabyte
			told := make(chan error)
			go func() { told <- c.send(there, "big", new(gigabyte), gibi) }()
			_, err := ReceiveClassic(t.Context(), here, c.v, Writer(&dst), ReceiveOptions{})
			if err := errors.Join(err, <-told); err != nil || dst.at != gibi {
				t.Errorf("%v; %d bytes", err, dst.at)
			}
		})
		t.Run(fmt.Sprintf("%v receives", c.v), func(t *testing.T) {
			t.Parallel()
			there, here := dialClassic(t)
			var dst gigabyte
			told := make(chan error)
			go func() { _, err := c.receive(there, &dst); told <- err }()
			_, err := SendClassic(t.Context(), here, c.v, "big", new(gigabyte), gibi, SendOptions{})
			if err := errors.Join(err, <-told); err != nil || dst.at != gibi {
				t.Errorf("%v; %d bytes", err, dst.at)
			}
		})
	}
}
