package tcp

import (
	"flag"
	"math/rand/v2"
	"testing"
	"time"
)

var (
	chaosSeeds = flag.Int("chaos.seeds", 200, "runs of TestNothingIsLost")
	chaosFirst = flag.Uint64("chaos.first", 0, "seed of the first of them")
)

// TestNothingIsLost runs talks over bad wires: every byte arrives once and in order, or
// both ends have an error. A seed is a run.
func TestNothingIsLost(t *testing.T) {
	n := *chaosSeeds
	if testing.Short() {
		n = min(n, 50)
	}
	kept := 0
	for i := range n {
		seed := *chaosFirst + uint64(i)
		if newTalk(seed).run(t) {
			kept++
		}
		if t.Failed() {
			t.Fatalf("again: go test -run TestNothingIsLost -chaos.first %d -chaos.seeds 1", seed)
		}
	}
	t.Logf("%d talks of %d came to their end without an error", kept, n)
	if n >= 50 && kept < n/2 {
		t.Errorf("only %d talks of %d came to their end without an error", kept, n)
	}
}

// A talk is what one run is made of.
type talk struct {
	rng  *rand.Rand
	wire *wire
	bad  lane
	ends [2]*talker
}

func newTalk(seed uint64) *talk {
	rng := rand.New(rand.NewPCG(seed, 3))
	some := func(most float64) float64 { // nothing, or more often little than much
		return max(rng.Float64()*1.5-0.5, 0) * rng.Float64() * most
	}
	k := &talk{rng: rng, bad: lane{
		delay: time.Duration(some(200)) * time.Millisecond, loss: some(0.3), duplicate: some(0.3), corrupt: some(0.1),
		reorder: some(0.3), hold: time.Duration(some(100)) * time.Millisecond, rate: some(1e7),
	}}
	if k.bad.rate > 0 {
		k.bad.rate += 20_000
		k.bad.queue = 10_000 + rng.IntN(100_000)
	}
	if rng.IntN(3) == 0 {
		at := time.Duration(0)
		for range 1 + rng.IntN(4) {
			at += time.Duration(some(20e3)+1) * time.Millisecond
			k.bad.cuts = append(k.bad.cuts, at)
		}
	}
	k.wire = newWire(seed, k.bad)
	for i := range k.ends {
		k.ends[i] = &talker{e: k.wire.ends[i], rng: rng, n: rng.IntN(100 << 10), leave: -1, first: i * 12345}
	}
	if rng.IntN(4) == 0 {
		k.ends[rng.IntN(2)].leave = rng.IntN(100 << 10)
	}
	k.ends[0].theirs, k.ends[1].theirs = k.ends[1], k.ends[0]
	return k
}

func (k *talk) config() Config {
	rng := k.rng
	return Config{
		ISS: Seq(rng.Uint32()), MaxSegment: 200 + rng.IntN(1400), SendBuffer: 2048 << rng.IntN(8), RecvBuffer: 2048 << rng.IntN(8),
		NoSACK: rng.IntN(3) == 0, NoTimestamps: rng.IntN(3) == 0, NoWindowScale: rng.IntN(3) == 0, NoDelay: rng.IntN(2) == 0,
		Congestion: []string{"", "reno"}[rng.IntN(2)], KeepAlive: KeepAlive{Idle: 5 * time.Minute},
	}
}

// run talks until both ends are closed, and says whether neither has an error.
func (k *talk) run(t *testing.T) (whole bool) {
	w := k.wire
	defer func() {
		if t.Failed() {
			t.Logf("%+v", k.bad)
			for i, e := range k.ends {
				t.Logf("end %d: %+v", i, *e.e.Conn)
			}
		}
	}()
	for i, e := range k.ends {
		w.ends[i].user = func() { e.act(t) }
	}
	w.connect(t, k.config(), k.config())
	for steps := 0; !k.over() && w.step(t); steps++ {
		if steps > 200_000 || w.now > 10*time.Hour {
			t.Errorf("no end at %v", w.now)
			return false
		}
	}
	if w.ends[1].Conn == nil { // no SYN came through
		return false
	}
	k.ends[0].judge(t)
	k.ends[1].judge(t)
	failed := k.ends[0].e.Err() != nil || k.ends[1].e.Err() != nil
	if failed && len(k.bad.cuts)%2 == 0 && k.ends[0].leave < 0 && k.ends[1].leave < 0 && k.bad.loss+k.bad.corrupt < 0.05 {
		t.Errorf("on so good a wire: %v and %v", k.ends[0].e.Err(), k.ends[1].e.Err())
	}
	return !failed
}

// over says whether both ends are closed, and their users have read what is left.
func (k *talk) over() bool {
	for _, e := range k.wire.ends {
		if e.Conn != nil && (e.State() != Closed || e.tick > 0) {
			return false
		}
	}
	return true
}

// A talker writes and reads in pieces of any size, at any time, and closes its half.
type talker struct {
	e          *peer
	rng        *rand.Rand
	n          int // to write
	leave      int // after how many bytes read it closes both halves; -1: never
	sent, read int
	sawEnd     bool
	left       bool
	buf        [9000]byte
	first      int // the first byte of its stream in byteAt's
	theirs     *talker
}

func (k *talker) act(t testing.TB) {
	if k.left {
		return
	}
	k.write()
	for k.rng.IntN(3) > 0 {
		k.readSome(t)
	}
	n, end := k.e.Readable()
	k.sawEnd = k.sawEnd || end && n == 0
	if k.leave >= 0 && k.read >= k.leave {
		k.left = true
		k.e.Close(k.e.w.now)
		return
	}
	if k.e.tick == 0 && (n > 0 || k.sent < k.n && k.e.Writable() > 0) {
		k.e.tick = k.e.w.now + time.Duration(1+k.rng.IntN(50))*time.Millisecond
	}
}

func (k *talker) write() {
	e, now := k.e, k.e.w.now
	for k.sent < k.n && e.Writable() > 0 && k.rng.IntN(4) > 0 {
		p := k.buf[:1+k.rng.IntN(min(k.n-k.sent, 9000))]
		inPlace := k.rng.IntN(2) == 0
		if inPlace {
			p = e.Reserve(len(p))
		}
		for i := range p {
			p[i] = byteAt(k.first + k.sent + i)
		}
		if inPlace {
			e.Commit(now, len(p))
			k.sent += len(p)
		} else {
			k.sent += e.Write(now, p)
		}
	}
	if k.sent == k.n {
		e.CloseWrite(now)
	}
}

func (k *talker) readSome(t testing.TB) {
	p := k.buf[:1+k.rng.IntN(9000)]
	inPlace := k.rng.IntN(2) == 0
	if inPlace {
		seen := k.e.Peek()
		p = seen[:min(len(seen), len(p))]
	} else {
		p = p[:k.e.Read(k.e.w.now, p)]
	}
	for i, got := range p {
		if want := byteAt(k.theirs.first + k.read + i); got != want {
			t.Fatalf("byte %d is %d, want %d", k.read+i, got, want)
		}
	}
	if inPlace {
		k.e.Discard(k.e.w.now, len(p))
	}
	k.read += len(p)
}

// judge holds what an end has seen against the promise.
func (k *talker) judge(t testing.TB) {
	t.Helper()
	switch {
	case k.left, k.e.taken&EventConnected == 0 && k.e.passive: // the latter has no user
	case k.read > k.theirs.sent:
		t.Errorf("end %d has read %d of %d bytes", k.e.index, k.read, k.theirs.sent)
	case k.sawEnd && k.read != k.theirs.sent:
		t.Errorf("end %d has read the end behind %d of %d bytes", k.e.index, k.read, k.theirs.sent)
	case !k.sawEnd && k.e.Err() == nil:
		t.Errorf("end %d has read %d of %d bytes, and has no error", k.e.index, k.read, k.theirs.sent)
	}
}
