package tcp

import (
	"math/rand/v2"
	"testing"
	"time"
)

// A talker writes and reads in pieces of any size, at any time, and closes its half.
type talker struct {
	e          *peer
	rng        *rand.Rand
	n          int // to write
	sent, read int
	buf        [9000]byte
	first      int // the first byte of its stream in byteAt's
	theirs     *talker
}

func (k *talker) act(t testing.TB) {
	e, w := k.e, k.e.w
	for k.sent < k.n && e.Writable() > 0 && k.rng.IntN(4) > 0 {
		p := k.buf[:1+k.rng.IntN(min(k.n-k.sent, 9000))]
		for i := range p {
			p[i] = byteAt(k.first + k.sent + i)
		}
		k.sent += e.Write(w.now, p)
	}
	if k.sent == k.n {
		e.CloseWrite(w.now)
	}
	for k.rng.IntN(3) > 0 {
		p := k.buf[:1+k.rng.IntN(9000)]
		n := e.Read(w.now, p)
		for i, got := range p[:n] {
			if want := byteAt(k.theirs.first + k.read + i); got != want {
				t.Fatalf("byte %d is %d, want %d", k.read+i, got, want)
			}
		}
		k.read += n
	}
	if n, _ := e.Readable(); e.tick == 0 && (n > 0 || k.sent < k.n && e.Writable() > 0) {
		e.tick = w.now + time.Duration(1+k.rng.IntN(50))*time.Millisecond
	}
}

// TestNothingIsLost runs talks over bad wires: every byte arrives once and in order, or
// an end has an error.
func TestNothingIsLost(t *testing.T) {
	runs := uint64(300)
	if testing.Short() {
		runs = 50
	}
	failed := 0
	for seed := range runs {
		if !oneTalk(t, seed) {
			failed++
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if failed > int(runs)/10 {
		t.Errorf("%d talks of %d failed", failed, runs)
	}
}

func oneTalk(t *testing.T, seed uint64) (whole bool) {
	rng := rand.New(rand.NewPCG(seed, 3))
	bad := lane{
		delay: time.Duration(rng.IntN(100)) * time.Millisecond, loss: rng.Float64() * 0.3, duplicate: rng.Float64() * 0.1,
		corrupt: rng.Float64() * 0.05, reorder: rng.Float64() * 0.3, hold: time.Duration(rng.IntN(50)) * time.Millisecond,
	}
	w := newWire(seed, bad)
	defer func() {
		if t.Failed() {
			t.Logf("seed %d: %+v\n%s\n%s", seed, bad, w.ends[0].dump(), w.ends[1].dump())
		}
	}()
	var talkers [2]*talker
	for i := range talkers {
		k := &talker{e: w.ends[i], rng: rng, n: rng.IntN(100 << 10), first: i * 12345}
		talkers[i] = k
		w.ends[i].user = func() { k.act(t) }
	}
	talkers[0].theirs, talkers[1].theirs = talkers[1], talkers[0]
	cfg := func() Config {
		return Config{
			ISS: Seq(rng.Uint32()), MaxSegment: 200 + rng.IntN(1400), SendBuffer: 2048 << rng.IntN(8), RecvBuffer: 2048 << rng.IntN(8),
			NoSACK: rng.IntN(3) == 0, NoTimestamps: rng.IntN(3) == 0, NoWindowScale: rng.IntN(3) == 0, NoDelay: rng.IntN(2) == 0,
			Congestion: []string{"", "reno"}[rng.IntN(2)],
		}
	}
	w.connect(t, cfg(), cfg())
	for steps := 0; w.step(t) && w.now < 10*time.Hour; steps++ {
		if steps > 100_000 {
			t.Fatalf("no end at %v", w.now)
		}
		a, b := w.ends[0].Conn, w.ends[1].Conn
		if a.Err() != nil || b != nil && (b.Err() != nil || a.State() == Closed && b.State() == Closed) {
			break
		}
	}
	a, b := talkers[0], talkers[1]
	if b.e.Conn == nil || a.e.Err() != nil || b.e.Err() != nil {
		return false
	}
	if a.read != b.n || b.read != a.n {
		t.Errorf("%d of %d and %d of %d bytes arrived, without an error, by %v", a.read, b.n, b.read, a.n, w.now)
	}
	return true
}
