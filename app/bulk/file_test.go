package bulk_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"dialtone/app/bulk"

	"pgregory.net/rapid"
)

// result is what a call in another goroutine came to.
type result struct {
	n   int64
	err error
}

func async(call func() (int64, error)) <-chan result {
	done := make(chan result, 1)
	go func() {
		n, err := call()
		done <- result{n, err}
	}()
	return done
}

// TestPartsCross sends parts of files, and other bytes before and after them.
func TestPartsCross(t *testing.T) {
	content := noise(3 << 20)
	from := fileOf(t, content)
	for name, connect := range kinds {
		t.Run(name, func(t *testing.T) {
			a, b := connect(t)
			rapid.Check(t, func(rt *rapid.T) {
				off := rapid.IntRange(0, len(content)).Draw(rt, "off")
				n := rapid.OneOf(rapid.IntRange(0, 2), rapid.IntRange(0, len(content)-off)).Draw(rt, "n")
				n = min(n, len(content)-off)
				at := rapid.IntRange(0, 1<<20).Draw(rt, "at")
				to := fileOf(t, nil)
				defer os.Remove(to.Name())
				defer to.Close()

				sent := async(func() (int64, error) {
					io.WriteString(a, "<")
					n, err := bulk.SendFile(a, from, int64(off), int64(n))
					io.WriteString(a, ">")
					return n, err
				})
				wrap := make([]byte, 2)
				io.ReadFull(b, wrap[:1])
				got, err := bulk.ReceiveFile(to, int64(at), b, int64(n))
				io.ReadFull(b, wrap[1:])
				s := <-sent
				if s != (result{int64(n), nil}) || got != int64(n) || err != nil || string(wrap) != "<>" {
					rt.Fatalf("sent %v, received %d, %v; around it %q", s, got, err, wrap)
				}
				want := append(make([]byte, at), content[off:off+n]...)
				if n == 0 {
					want = nil
				}
				holds(t, to, want)
			})
		})
	}
}

// TestPositionsStay holds that files are shared by streams, each with its offset.
func TestPositionsStay(t *testing.T) {
	a, b := pair(t, "tcp")
	from, to := fileOf(t, noise(9)), fileOf(t, nil)
	sent := async(func() (int64, error) { return bulk.SendFile(a, from, 3, 5) })
	_, err := bulk.ReceiveFile(to, 1, b, 5)
	must(t, err)
	must(t, (<-sent).err)
	for f, want := range map[*os.File]int64{from: 9, to: 0} {
		if at, _ := f.Seek(0, io.SeekCurrent); at != want {
			t.Errorf("the position is %d, was %d", at, want)
		}
	}
}

func TestSendEndsAtADeadline(t *testing.T) {
	content := noise(40 << 20)
	for name, connect := range kinds {
		t.Run(name, func(t *testing.T) {
			a, b := connect(t)
			a.SetWriteDeadline(time.Now().Add(time.Millisecond))
			n, err := bulk.SendFile(a, fileOf(t, content), 0, int64(len(content)))
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("sent %d, %v, to a peer that does not read", n, err)
			}
			if name == "tls" {
				return // a record may be left in pieces
			}
			a.Close()
			got, err := io.ReadAll(b)
			must(t, err)
			if int64(len(got)) != n || !bytes.Equal(got, content[:n]) {
				t.Fatalf("%d bytes came, %d were counted", len(got), n)
			}
		})
	}
}

// TestADeadlineEndsABusySend: the peer never makes it wait.
func TestADeadlineEndsABusySend(t *testing.T) {
	a, b := pair(t, "tcp")
	f := fileOf(t, nil)
	must(t, f.Truncate(1<<43))
	drained := async(func() (int64, error) { return io.Copy(io.Discard, b) })
	a.SetWriteDeadline(time.Now().Add(time.Millisecond))
	n, err := bulk.SendFile(a, f, 0, 1<<43)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("sent %d, %v", n, err)
	}
	a.Close()
	if d := <-drained; d != (result{n, nil}) {
		t.Fatalf("%v came, %d were counted", d, n)
	}
}

func TestReceiveEndsAtADeadline(t *testing.T) {
	for name, connect := range kinds {
		t.Run(name, func(t *testing.T) {
			a, b := connect(t)
			f := fileOf(t, nil)
			_, err := io.WriteString(a, "some")
			must(t, err)
			b.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
			n, err := bulk.ReceiveFile(f, 0, b, 10)
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("received %d, %v, from a peer that stalls", n, err)
			}
			holds(t, f, []byte("some")[:n])
		})
	}
}

func TestCloseEndsBoth(t *testing.T) {
	f := fileOf(t, nil)
	must(t, f.Truncate(1<<40))
	for name, connect := range kinds {
		t.Run(name, func(t *testing.T) {
			a, b := connect(t)
			sent := async(func() (int64, error) { return bulk.SendFile(a, f, 0, 1<<40) })
			_, err := io.ReadFull(b, make([]byte, 1)) // it has begun
			must(t, err)
			received := async(func() (int64, error) { return bulk.ReceiveFile(fileOf(t, nil), 0, a, 10) })
			closed := make(chan error, 1)
			go func() { closed <- a.Close() }()
			if name == "tls" { // its farewell waits for room
				b.Close()
			}
			<-closed
			for _, done := range []<-chan result{sent, received} {
				if r := <-done; r.err == nil || name != "tls" && !errors.Is(r.err, net.ErrClosed) {
					t.Errorf("%d, %v after Close", r.n, r.err)
				}
			}
		})
	}
}

func TestThePeerEndsEarly(t *testing.T) {
	for name, connect := range kinds {
		t.Run(name, func(t *testing.T) {
			a, b := connect(t)
			content, f := noise(300<<10), fileOf(t, nil)
			var wg sync.WaitGroup
			wg.Go(func() {
				a.Write(content)
				a.Close()
			})
			n, err := bulk.ReceiveFile(f, 0, b, 1<<20)
			wg.Wait()
			if n != int64(len(content)) || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("received %d, %v", n, err)
			}
			holds(t, f, content)
		})
	}
}

func TestThePeerResets(t *testing.T) {
	a, b := pair(t, "tcp")
	f := fileOf(t, nil)
	must(t, f.Truncate(1<<40))
	sent := async(func() (int64, error) { return bulk.SendFile(a, f, 0, 1<<40) })
	_, err := io.ReadFull(b, make([]byte, 1<<20))
	must(t, err)
	b.(*net.TCPConn).SetLinger(0)
	b.Close()
	if r := <-sent; !errors.Is(r.err, syscall.ECONNRESET) && !errors.Is(r.err, syscall.EPIPE) {
		t.Errorf("sent %d, %v", r.n, r.err)
	}
	var oe *net.OpError
	if _, err := bulk.ReceiveFile(f, 0, a, 1); !errors.As(err, &oe) && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("receiving: %v", err)
	}
}

func TestTheFileEndsEarly(t *testing.T) {
	for name, connect := range kinds {
		t.Run(name, func(t *testing.T) {
			a, b := connect(t)
			f := fileOf(t, []byte("short"))
			n, err := bulk.SendFile(a, f, 1, 10)
			var pe *fs.PathError
			if n != 4 || !errors.Is(err, io.ErrUnexpectedEOF) || !errors.As(err, &pe) || pe.Path != f.Name() {
				t.Fatalf("sent %d, %v", n, err)
			}
			a.Close()
			if got, _ := io.ReadAll(b); string(got) != "hort" {
				t.Fatalf("%q came", got)
			}
		})
	}
}

func TestAFileThatCannotBeRead(t *testing.T) {
	for name, connect := range kinds {
		t.Run(name, func(t *testing.T) {
			a, _ := connect(t)
			f := fileOf(t, []byte("gone"))
			f.Close()
			n, err := bulk.SendFile(a, f, 0, 4)
			var pe *fs.PathError
			if n != 0 || !errors.As(err, &pe) || !errors.Is(err, os.ErrClosed) {
				t.Fatalf("sent %d, %v", n, err)
			}
		})
	}
}

// TestAFileThatCannotBeWritten leaves the connection behind the file's bytes.
func TestAFileThatCannotBeWritten(t *testing.T) {
	path := fileOf(t, nil).Name()
	bad := map[string]func() *os.File{
		"closed":      func() *os.File { f, _ := os.Open(path); f.Close(); return f },
		"read only":   func() *os.File { f, _ := os.Open(path); return f },
		"append only": func() *os.File { f, _ := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0); return f },
	}
	content := noise(3 << 20)
	for name, connect := range kinds {
		for how, open := range bad {
			t.Run(name+"/"+how, func(t *testing.T) {
				a, b := connect(t)
				sent := async(func() (int64, error) {
					n, _ := a.Write(content)
					m, err := io.WriteString(a, "next")
					return int64(n + m), err
				})
				f := open()
				defer f.Close()
				n, err := bulk.ReceiveFile(f, 0, b, int64(len(content)))
				var pe *fs.PathError
				if n != 0 || !errors.As(err, &pe) {
					t.Fatalf("received %d, %v", n, err)
				}
				next := make([]byte, 4)
				if _, err := io.ReadFull(b, next); string(next) != "next" {
					t.Fatalf("then %q, %v", next, err)
				}
				must(t, (<-sent).err)
			})
		}
	}
}

// TestBothFail: what the caller must know is that the connection is no more.
func TestBothFail(t *testing.T) {
	a, b := pair(t, "tcp")
	f := fileOf(t, nil)
	f.Close()
	a.Write([]byte("some"))
	a.Close()
	_, err := bulk.ReceiveFile(f, 0, b, 10)
	var pe *fs.PathError
	if !errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &pe) {
		t.Fatal(err)
	}
}
