//go:build linux

package main

import (
	"context"
	"fmt"
	"os/exec"
	"time"

	"dialtone/link/cable"
)

// ends is the path of a scene: two sides and what lies between them.
type ends struct {
	from, to *side
	cable    *cable.Cable // nil: this machine's own loopback
	passed   func() int64 // bytes of frames that came out of the cable towards to; nil on loopback
}

// crossed is the TCP payload that went from sender to receiver so far, taken
// from full frames; 0 where nothing counts.
func (e *ends) crossed() int64 {
	if e.passed == nil {
		return 0
	}
	return e.passed() * 1448 / 1514
}

// inside calls f where the sender is, to make sockets there.
func (e *ends) inside(f func() error) error {
	if e.cable == nil {
		return f()
	}
	return e.cable.A.Do(f)
}

func (e *ends) close() error {
	if e.cable == nil {
		return nil
	}
	return e.cable.Close()
}

// loopback is both sides on 127.0.0.1, in a namespace of its own with Linux's
// default congestion control; where that is not allowed, on the machine's.
func loopback() *ends {
	s := &side{addr: "127.0.0.1", start: (*exec.Cmd).Start}
	e := &ends{from: s, to: &side{addr: s.addr, start: s.start}}
	c, err := cable.Open(cable.Config{})
	if err != nil {
		return e
	}
	if err := useCubic(c.A); err != nil {
		c.Close()
		return e
	}
	e.cable, e.from.start, e.to.start = c, c.A.Start, c.A.Start
	return e
}

// path is what a cable is like; both directions alike, each with half the delay.
type path struct {
	rate  int64         // bits per second
	rtt   time.Duration // there and back
	loss  float64
	queue time.Duration // what the queue holds at that rate
}

func (p *path) String() string {
	text := fmt.Sprintf("%d Mbit/s, %v there and back", p.rate/1e6, p.rtt)
	if p.loss > 0 {
		text += fmt.Sprintf(", %g %% lost each way", 100*p.loss)
	}
	return text
}

// lay opens a cable of that kind: the sender at A, the receiver at B.
func (p *path) lay() (*ends, error) {
	c, err := cable.Open(cable.Both(cable.Direction{
		Delay: p.rtt / 2, Rate: p.rate, Loss: p.loss, Queue: int(float64(p.rate) / 8 * p.queue.Seconds()),
	}))
	if err != nil {
		return nil, err
	}
	if err := useCubic(c.A, c.B); err != nil {
		c.Close()
		return nil, err
	}
	return &ends{
		from: &side{addr: c.A.Addr.String(), start: c.A.Start}, to: &side{addr: c.B.Addr.String(), start: c.B.Start},
		cable: c, passed: c.AtoB.Bytes.Load,
	}, nil
}

// scene is one table: a load, a path, and who takes part.
type scene struct {
	name, title string
	load        *load
	path        *path         // nil: loopback
	limit       time.Duration // of a round
	contenders  []string
	goals       []goal
	ends        *ends // while it runs
}

// scale makes a short run's loads.
type scale struct {
	file  int64
	files int
	part  int64 // cable loads are divided by it
}

const mib = 1 << 20

func scenes(s scale) []*scene { return append(nearScenes(s), farScenes(s)...) }

// nearScenes are those over loopback.
func nearScenes(s scale) []*scene {
	modes := []string{"dialtone", "dialtone-nohash", "dialtone-plain", "dialtone-bare"}
	return []*scene{
		{
			name: "file", title: fmt.Sprintf("One file of %d MiB, memory to memory over loopback", s.file/mib),
			load: &load{name: "file", files: 1, bytes: s.file}, limit: 2 * time.Minute,
			contenders: append(modes, "cp", "bare", "rsync", "scp", "scp-gcm", "nginx", "nginx-tls", "croc"),
			goals: []goal{
				atLeast("dialtone-bare", 0.95, "bare"),
				atLeast("dialtone-plain", 0.65, "bare"), atLeast("dialtone-plain", 1.4, "rsync"),
				atLeast("dialtone", 0.42, "bare"), atLeast("dialtone", 2.2, "scp-gcm"),
				atLeast("dialtone", 5, "croc"), atLeast("dialtone", 0.9, "nginx-tls"), inMemory,
			},
		},
		{
			name: "tree", title: fmt.Sprintf("A tree of %d files of 4 to 64 KiB, memory to memory over loopback", s.files),
			load: &load{name: "tree", files: s.files}, limit: 2 * time.Minute,
			contenders: append(modes, "cp", "bare", "bare2", "rsync", "scp", "scp-gcm", "nginx", "nginx-tls", "croc"),
			goals: []goal{
				atLeast("dialtone", 0.9, "cp"), atLeast("dialtone", 1.5, "rsync"), atLeast("dialtone", 8, "scp"), inMemory,
			},
		},
	}
}

// farScenes are those through a cable.
func farScenes(s scale) []*scene {
	part := func(n int64) *load {
		return &load{name: fmt.Sprintf("file%d", n), files: 1, bytes: n * mib / s.part}
	}
	distant := max(4000/int(s.part), 100)
	mibs := func(n int64) string { return fmt.Sprintf("%d MiB", n/s.part) }
	remote := []string{"bare-cubic", "bare-bbr", "bare8", "rsync", "scp", "aria2", "croc", "dialtone"}
	others := remote[:len(remote)-1]
	long := path{rate: 200e6, rtt: 100 * time.Millisecond, queue: 100 * time.Millisecond}
	lossy, short, far := long, long, long
	lossy.loss = 0.01
	short.loss, short.rtt = 0.01, 10*time.Millisecond
	far.rtt = 50 * time.Millisecond
	return []*scene{
		{
			name: "clean", title: "A clean long path, " + mibs(256), load: part(256), path: &long, limit: 90 * time.Second,
			contenders: remote,
		},
		{
			name: "clean-1GiB", title: "A clean long path, " + mibs(1024), load: part(1024), path: &long, limit: 3 * time.Minute,
			contenders: []string{"bare-cubic", "dialtone"},
			goals:      []goal{atLeastRate("dialtone", 0.8*float64(long.rate)/8e6, "0.8 × line rate"), inMemory},
		},
		{
			name: "lossy", title: "The long path with loss, " + mibs(64), load: part(64), path: &lossy, limit: 20 * time.Second,
			contenders: remote, goals: []goal{atLeast("dialtone", 1, others...), inMemory},
		},
		{
			name: "short-lossy", title: "A short path with loss, " + mibs(256), load: part(256), path: &short, limit: 20 * time.Second,
			contenders: remote, goals: []goal{atLeast("dialtone", 1, others...), inMemory},
		},
		{
			name: "tree-50ms", title: fmt.Sprintf("A tree of %d files of 4 to 64 KiB over 50 ms", distant),
			load: &load{name: "tree-far", files: distant}, path: &far, limit: 30 * time.Second,
			contenders: []string{"bare-cubic", "bare-bbr", "rsync", "scp", "curl8", "croc", "dialtone"},
			goals: []goal{
				atLeast("dialtone", 1, "bare-cubic", "bare-bbr"), atLeast("dialtone", 1.5, "rsync"),
				atLeast("dialtone", 40, "scp"), atLeast("dialtone", 40, "croc"), inMemory,
			},
		},
	}
}

// open makes the scene's path and load ready.
func (s *scene) open(y *yard) (err error) {
	if err := y.make(s.load); err != nil {
		return err
	}
	if s.path == nil {
		s.ends = loopback()
		return nil
	}
	s.ends, err = s.path.lay()
	return err
}

// measure runs all contenders, taking turns, until each has its rounds or has
// used up its share of time.
func (s *scene) measure(ctx context.Context, p plan) map[string]sample {
	const share = 40.0 // seconds, beyond which a slow contender gets no further round
	all, results, spent := allContenders(), map[string][]sample{}, map[string]float64{}
	for round := range p.roundsOf(s) {
		for i := range s.contenders {
			name := s.contenders[(i+round)%len(s.contenders)] // nobody is always after the same one
			if !p.peers.MatchString(name) || spent[name] > share || failed(results[name]) || ctx.Err() != nil {
				continue
			}
			r := all[name].round(ctx, p.yard, s, round == 0)
			p.say("%-16s %8.1f MB/s  %5.2f s/GiB  %5.1f s  %s", name, r.mbs, r.cpu, r.seconds, r.note)
			results[name] = append(results[name], r)
			spent[name] += r.seconds
		}
	}
	cells := map[string]sample{}
	for name, list := range results {
		cells[name] = median(list)
	}
	return cells
}

func failed(list []sample) bool { return len(list) > 0 && list[len(list)-1].note != "" }
