package host

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// A probe is an alarm's owner that looks at its own deadline, as owners do.
type probe struct {
	h     *Host
	alarm alarm
	mu    sync.Mutex
	at    time.Duration
	fired []time.Duration
}

func newProbe(h *Host) *probe {
	p := &probe{h: h, at: never}
	p.alarm.init(p)
	return p
}

func (p *probe) set(at time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = at
	p.h.arm(&p.alarm, at)
}

func (p *probe) expire(now time.Duration, _ *outbox) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at <= now {
		p.fired = append(p.fired, now)
		p.at = never
	}
	p.h.arm(&p.alarm, p.at)
}

// Whatever is set, later or earlier or off, an alarm goes off at its last time.
func TestAlarmsProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		type step struct {
			probe int
			after time.Duration // of now, when it is set
			off   bool
			sleep time.Duration
		}
		steps := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
			return step{
				rapid.IntRange(0, 4).Draw(t, "probe"), time.Duration(rapid.IntRange(0, 5000).Draw(t, "after")) * time.Microsecond,
				rapid.IntRange(0, 4).Draw(t, "off") == 0, time.Duration(rapid.IntRange(0, 3000).Draw(t, "sleep")) * time.Microsecond,
			}
		}), 1, 40).Draw(rt, "steps")
		fault := ""
		synctest.Test(t, func(t *testing.T) {
			h := New("h")
			defer h.Close()
			var probes [5]*probe
			var due [5]time.Duration
			for i := range probes {
				probes[i], due[i] = newProbe(h), never
			}
			var want, got [5][]time.Duration
			pass := func(d time.Duration) {
				for i, at := range due {
					if at <= h.now()+d {
						want[i], due[i] = append(want[i], at), never
					}
				}
				time.Sleep(d)
				synctest.Wait()
			}
			for _, s := range steps {
				if s.off {
					due[s.probe] = never
				} else {
					due[s.probe] = h.now() + s.after
				}
				probes[s.probe].set(due[s.probe])
				pass(s.sleep)
			}
			pass(time.Second)
			for i, p := range probes {
				got[i] = p.fired
				if len(got[i]) != len(want[i]) {
					fault = "not as often as it was set"
					continue
				}
				for j := range want[i] {
					if got[i][j] != want[i][j] {
						fault = "not at its time"
					}
				}
			}
			if len(h.alarms.heap) != 0 {
				fault = "the heap is not empty"
			}
		})
		if fault != "" {
			rt.Fatal(fault)
		}
	})
}

// What is switched off for good is forgotten at once; in a heap of many, too.
func TestDisarm(t *testing.T) {
	h := newHost(t, "h")
	probes := make([]*probe, 1000)
	for i := range probes {
		probes[i] = newProbe(h)
		probes[i].set(h.now() + time.Hour + time.Duration(rand.IntN(1000))*time.Second)
	}
	for i, at := range rand.Perm(len(probes)) {
		h.disarm(&probes[at].alarm)
		if len(h.alarms.heap) != len(probes)-1-i {
			t.Fatalf("%d in the heap", len(h.alarms.heap))
		}
		for j := range h.alarms.heap {
			if j > 0 && h.alarms.heap[(j-1)/2].at > h.alarms.heap[j].at || h.alarms.heap[j].alarm.index != j {
				t.Fatal("the heap is none")
			}
		}
	}
}

// Many set alarms at the same time as they go off: none is lost.
func TestAlarmsAtOnce(t *testing.T) {
	h := newHost(t, "h")
	var group sync.WaitGroup
	var fired atomic.Int64
	for range 8 {
		group.Go(func() {
			for range 200 {
				p := &counted{done: make(chan struct{})}
				p.alarm.init(p)
				h.arm(&p.alarm, h.now()+time.Duration(rand.IntN(300))*time.Microsecond)
				h.arm(&p.alarm, h.now()+time.Duration(rand.IntN(300))*time.Microsecond)
				<-p.done
				fired.Add(1)
			}
		})
	}
	group.Wait()
	if fired.Load() != 1600 {
		t.Error(fired.Load())
	}
}

type counted struct {
	alarm alarm
	once  sync.Once
	done  chan struct{}
}

func (c *counted) expire(time.Duration, *outbox) { c.once.Do(func() { close(c.done) }) }

func TestClosedHostRingsNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New("h")
		p := newProbe(h)
		p.set(time.Second)
		h.Close()
		p.set(2 * time.Second)
		h.disarm(&p.alarm)
		time.Sleep(time.Minute)
		if len(p.fired) != 0 {
			t.Error(p.fired)
		}
	})
}

func BenchmarkArmLater(b *testing.B) {
	h := newHost(b, "h")
	p := newProbe(h)
	p.set(time.Hour)
	b.ReportAllocs()
	for i := range b.N {
		h.arm(&p.alarm, time.Hour+time.Duration(i))
	}
}
