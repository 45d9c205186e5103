package conversation

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dialtone/transport/tcp"
)

var (
	randomSeeds = flag.Int("random.seeds", 20, "conversations of TestRandomConversationsOnLinux")
	randomFirst = flag.Uint64("random.first", 1, "seed of the first of them")
)

// TestRandomConversationsOnLinux: what our machine answers to data that comes in any
// order, with overlaps, pauses and a FIN, the kernel does, too: every ACK and SACK. (What
// is sent under congestion is not so comparable: Linux counts segments, and holds some
// back to make larger ones.)
func TestRandomConversationsOnLinux(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("network namespaces and TUN devices need root")
	}
	defer Punctual()()
	var all sync.WaitGroup
	slots := make(chan struct{}, 16)
	for i := range *randomSeeds {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if err := playRandom(*randomFirst + uint64(i)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// playRandom plays a seed's conversation, again when it fails: a busy machine is late.
func playRandom(seed uint64) error {
	r := &random{rng: rand.New(rand.NewPCG(seed, 9)), peer: 1, sent: 1}
	s, err := r.script(seed)
	if err != nil {
		return err
	}
	for range 5 {
		var k End
		if k, err = NewKernel(s); err != nil {
			return err
		}
		if err = s.Play(attentive{k}); err == nil {
			return nil
		}
	}
	return fmt.Errorf("seed %d: %w\nthe script:\n%s", seed, err, strings.Join(r.lines, "\n"))
}

// A random is a conversation in the making: our machine plays it, and what it sends is
// written down as what must be sent.
type random struct {
	rng    *rand.Rand
	player *player
	lines  []string
	last   time.Duration // when the last line was
	sent   int           // behind the last number of ours
	peer   int           // behind the last number of the peer's
	fin    bool          // it has sent a FIN
}

func (r *random) script(seed uint64) (*Script, error) {
	with := "RTT 50ms"
	if r.rng.IntN(3) > 0 {
		with += ", SACK permitted"
	}
	if r.rng.IntN(2) == 0 {
		with += ", timestamps"
	}
	r.lines = []string{fmt.Sprintf("== %d", seed), "established with " + with}
	s, err := r.parse()
	if err != nil {
		return nil, err
	}
	r.player = &player{end: attentive{NewMachine(s)}, wire: wire{window: 65535}}
	for i := range s.Lines {
		if err := r.player.line(&s.Lines[i]); err != nil {
			return nil, err
		}
	}
	r.last = r.player.end.Now()
	for range 25 {
		if r.fin { // what comes behind it Linux does not report as a duplicate, RFC 2883 would
			break
		}
		if err := r.step(); err != nil {
			return nil, err
		}
		pauses := []time.Duration{3, 3, 20, 50, 330}
		r.pass(pauses[r.rng.IntN(len(pauses))] * time.Millisecond)
	}
	return r.parse()
}

func (r *random) parse() (*Script, error) {
	all, err := Parse("random.txt", strings.Join(r.lines, "\n"))
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// step lets something happen.
func (r *random) step() (err error) {
	switch r.rng.IntN(12) {
	case 0, 1, 2, 3, 4, 5:
		err = r.arrives("ACK", r.peer)
	case 6, 7, 8, 9:
		err = r.arrives("ACK", max(1, r.peer+r.rng.IntN(6000)-2000))
	case 10:
		err = r.do("write 100")
	case 11:
		if r.fin = r.rng.IntN(6) == 0; r.fin {
			err = r.arrives("FIN+ACK", r.peer)
		}
	}
	return err
}

// An attentive end has a user who reads at once what comes.
type attentive struct{ End }

func (r attentive) Input(h *tcp.Header, payload []byte) {
	r.End.Input(h, payload)
	_, _ = r.Read(make([]byte, 1<<16)) // nothing, when it was out of order
}

// arrives lets data of the peer's arrive, from a number on.
func (r *random) arrives(flags string, from int) error {
	size := 1 + r.rng.IntN(1400)
	r.peer = max(r.peer, from+size)
	return r.do(fmt.Sprintf("< %s %d+%d ack %d", flags, from, size, r.sent))
}

// do plays a line and writes it down.
func (r *random) do(text string) error {
	step, err := parseStep(text)
	if err != nil {
		return err
	}
	r.note(text)
	return step.play(r.player, &Line{Text: text})
}

func (r *random) note(text string) {
	now := r.player.end.Now()
	if d := now - r.last; d > 0 {
		text = fmt.Sprintf("+%v %s", d, text)
	}
	r.last = now
	r.lines = append(r.lines, text)
}

// pass lets time pass and writes down what is sent.
func (r *random) pass(d time.Duration) {
	until := r.player.end.Now() + d
	for sent := r.player.end.Next(until); sent != nil; sent = r.player.end.Next(until) {
		s := r.player.wire.in(&sent.Header, len(sent.Payload))
		r.sent = max(r.sent, s.Seq+s.Len)
		line := "> " + asked(s).String()
		if after := sent.At - r.last; after > 0 {
			line = fmt.Sprintf("+%v..%v %s", after*9/10, after*3/2+time.Millisecond, line)
		}
		r.last = sent.At
		r.lines = append(r.lines, line)
	}
}

// asked is what is asked of a segment: not its window, nor the time.
func asked(s *Segment) *Segment {
	s.Flags &^= tcp.PSH
	s.Window = Unsaid
	s.Options = slices.DeleteFunc(s.Options, func(o Option) bool { return o.Kind == tcp.KindNop })
	for _, o := range s.Options {
		if o.Kind == tcp.KindTimestamps {
			o.Numbers[0], o.Numbers[1] = Unsaid, Unsaid
		}
	}
	return s
}
