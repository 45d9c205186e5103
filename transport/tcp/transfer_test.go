package tcp

import (
	"testing"
	"time"
)

// byteAt is the stream that all transfers send.
func byteAt(i int) byte { return byte(i*7 + i>>8*13 + i>>16*31) }

// stream sends n bytes from end 0 to end 1, and closes.
type stream struct {
	n, sent, read int
	blind         bool // the bytes do not matter
	done          time.Duration
}

func (s *stream) attach(t testing.TB, w *wire) {
	out := make([]byte, 64<<10)
	in := make([]byte, 64<<10)
	a, b := w.ends[0], w.ends[1]
	a.user = func() {
		for s.sent < s.n {
			k := min(len(out), s.n-s.sent, max(a.Writable(), 0))
			if !s.blind {
				for i := range out[:k] {
					out[i] = byteAt(s.sent + i)
				}
			}
			if k = a.Write(w.now, out[:k]); k == 0 {
				return
			}
			s.sent += k
		}
		a.CloseWrite(w.now)
	}
	b.user = func() {
		for {
			k := b.Read(w.now, in)
			if k == 0 {
				break
			}
			for i, got := range in[:k] {
				if s.blind {
					break
				}
				if got != byteAt(s.read+i) {
					t.Fatalf("byte %d is %d, want %d", s.read+i, got, byteAt(s.read+i))
				}
			}
			s.read += k
		}
		if _, end := b.Readable(); end && s.done == 0 {
			s.done = w.now
			b.CloseWrite(w.now)
		}
	}
}

func (w *wire) connect(t testing.TB, a, b Config) {
	a.LocalPort, a.RemotePort, b.LocalPort, b.RemotePort = 1000, 2000, 2000, 1000
	w.ends[1].config = b
	w.ends[0].Conn = Connect(&a, w.now)
	w.settle(t, w.ends[0])
}

func transfer(t testing.TB, seed uint64, n int, l, back lane, a, b Config) (*wire, *stream) {
	w := newWire(seed, l)
	w.ends[1].lane = back
	s := &stream{n: n}
	s.attach(t, w)
	w.connect(t, a, b)
	for s.done == 0 && w.step(t) {
	}
	return w, s
}

var ethernet = Config{MaxSegment: 1460, ISS: 0xfffff000}

func TestTransfer(t *testing.T) {
	clean := lane{delay: 10 * time.Millisecond}
	for name, l := range map[string]lane{
		"clean":     clean,
		"loss":      {delay: 10 * time.Millisecond, loss: 0.05},
		"reorder":   {delay: 10 * time.Millisecond, reorder: 0.1, hold: 5 * time.Millisecond},
		"duplicate": {delay: 10 * time.Millisecond, duplicate: 0.1},
		"all":       {delay: 10 * time.Millisecond, loss: 0.1, reorder: 0.1, hold: 30 * time.Millisecond, duplicate: 0.05, corrupt: 0.01},
	} {
		t.Run(name, func(t *testing.T) {
			w, s := transfer(t, 1, 1<<20, l, l, ethernet, ethernet)
			if s.done == 0 || s.read != s.n {
				t.Fatalf("%d bytes of %d arrived; %+v %+v", s.read, s.n, w.ends[0].Info(), w.ends[1].Info())
			}
			t.Logf("%v: %+v", s.done, w.ends[0].Info())
			for w.ends[0].State() != Closed && w.step(t) {
			}
		})
	}
}
