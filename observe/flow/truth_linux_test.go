package flow_test

import (
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dialtone/link/cable"
	"dialtone/observe/capture"
	"dialtone/observe/flow"
)

var keepWrong = flag.String("wrong", "", "write captures that were labelled wrong into this `folder`")

// A profile is a transfer over a wire that is bad in one way, drawn from a seed.
type profile struct {
	name  string
	bad   mischief // to what A sends
	back  mischief // to what B sends
	run   func(w *wire, seed uint64)
	set   []string // settings of both kernels, name and value in turn
	shark bool     // hold its captures against tshark, too
}

// mischief says how often the wire does what, in thousandths of the segments that
// carry data; acks is the same for those that only acknowledge.
type mischief struct {
	drop, late, copy, acks int
	burst                  int           // segments that a drop takes at most; 0: 1
	most                   time.Duration // lateness, from a millisecond on
}

var profiles = []profile{
	{name: "sparse loss", bad: mischief{drop: 20}, run: upload},
	{name: "burst loss", bad: mischief{drop: 6, burst: 12}, run: upload},
	{name: "tail loss", bad: mischief{drop: 60, burst: 4}, run: messages},
	{name: "reordering", bad: mischief{late: 30, most: 30 * time.Millisecond}, run: upload},
	{name: "slight reordering", bad: mischief{late: 60, most: 3 * time.Millisecond}, run: upload},
	{name: "duplicates", bad: mischief{copy: 40, most: 10 * time.Millisecond}, run: upload},
	{name: "lost acks", back: mischief{acks: 300}, run: upload},
	{name: "everything, one way", bad: mischief{drop: 10, late: 15, copy: 10, burst: 3, most: 20 * time.Millisecond}, run: upload},
	{
		name: "everything, both ways", run: both, shark: true,
		bad:  mischief{drop: 10, late: 10, copy: 10, acks: 20, burst: 2, most: 15 * time.Millisecond},
		back: mischief{drop: 10, late: 10, copy: 10, acks: 20, burst: 2, most: 15 * time.Millisecond},
	},
	{name: "no timestamps", bad: mischief{drop: 15, late: 15, most: 15 * time.Millisecond}, run: upload, set: []string{"ipv4/tcp_timestamps", "0"}},
	{name: "no SACK", bad: mischief{drop: 8, late: 8, most: 15 * time.Millisecond}, run: upload, set: []string{"ipv4/tcp_sack", "0"}},
	{name: "neither", bad: mischief{drop: 8, late: 8, most: 15 * time.Millisecond}, run: upload, set: []string{"ipv4/tcp_timestamps", "0", "ipv4/tcp_sack", "0"}},
}

// TestLabelsAgreeWithTheTruth has two kernels talk over a wire that drops, delays
// and copies known segments, captures them beside both, and holds every label that
// tells loss from order against what the wire did.
func TestLabelsAgreeWithTheTruth(t *testing.T) {
	for i, p := range profiles {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			p.check(t, uint64(i)+*seed)
		})
	}
}

var seed = flag.Uint64("seed", 1, "of the faults of the wire")

func (p profile) check(t *testing.T, seed uint64) {
	there, back := &record{}, &record{}
	line := cable.Direction{Delay: 10 * time.Millisecond, Rate: 40e6, Queue: 8 << 20}
	c := cable.Both(line)
	c.AtoB.Judge = there.judge(p.bad, rand.New(rand.NewPCG(seed, 0)))
	c.BtoA.Judge = back.judge(p.back, rand.New(rand.NewPCG(seed, 1)))
	w := lay(t, c)
	for i := 0; i < len(p.set); i += 2 {
		w.set(w.A, p.set[i], p.set[i+1])
		w.set(w.B, p.set[i], p.set[i+1])
	}
	p.run(w, seed)
	w.quiet(300 * time.Millisecond)
	w.must(w.Close())
	if n := w.AtoB.Overflowed.Load() + w.BtoA.Overflowed.Load() + w.AtoB.Refused.Load() + w.BtoA.Refused.Load(); n != 0 {
		t.Fatalf("%d frames were lost that the judge knows nothing of", n)
	}
	for end, records := range [][2]*record{{there, back}, {back, there}} {
		list := w.seen[end].all()
		labels := label(t, list)
		v := verdicts{t: t, list: list, labels: labels}
		v.leaving(records[0])
		v.arriving(records[1])
		t.Logf("beside %c: %s", 'A'+end, v.String())
		if p.shark {
			name := filepath.Join(t.TempDir(), "seen.pcapng")
			w.must(os.WriteFile(name, pcapng("", list), 0o644))
			agreeWithTshark(t, name)
		}
		if v.wrong > 0 && *keepWrong != "" {
			name := strings.NewReplacer(" ", "-", ",", "").Replace(p.name)
			w.must(os.WriteFile(filepath.Join(*keepWrong, fmt.Sprintf("%s-%c.pcapng", name, 'a'+end)), pcapng("", list), 0o644))
		}
	}
}

// upload sends from A to B, then closes.
func upload(w *wire, seed uint64) {
	client, server := w.pair(clientAt, serverAt)
	var reading sync.WaitGroup
	reading.Go(func() { io.Copy(io.Discard, server); server.Close() })
	w.pour(client, seed, 600_000)
	w.must(client.CloseWrite())
	reading.Wait()
	client.Close()
}

// both send to each other at the same time.
func both(w *wire, seed uint64) {
	client, server := w.pair(clientAt, serverAt)
	var all sync.WaitGroup
	for _, c := range []*net.TCPConn{client, server} {
		all.Go(func() { w.pour(c, seed, 400_000); c.CloseWrite() })
		all.Go(func() { io.Copy(io.Discard, c) })
	}
	all.Wait()
	client.Close()
	server.Close()
}

// messages are flights of a few segments, each answered before the next is sent.
func messages(w *wire, seed uint64) {
	client, server := w.pair(clientAt, serverAt)
	const size = 9000
	var answering sync.WaitGroup
	answering.Go(func() {
		buf := make([]byte, size)
		for {
			if _, err := io.ReadFull(server, buf); err != nil {
				server.Close()
				return
			}
			server.Write(buf[:20])
		}
	})
	for range 25 {
		w.pour(client, seed, size)
		w.hear(client, 20)
	}
	w.must(client.CloseWrite())
	answering.Wait()
	client.Close()
}

func (w *wire) pour(c net.Conn, seed uint64, bytes int) {
	_, err := io.CopyN(c, rand.NewChaCha8([32]byte{byte(seed)}), int64(bytes))
	w.must(err)
}

// record is what the wire did to what one end sent, in the order of sending.
type record struct {
	sent []deed
	free int // segments still to be dropped of a burst
}

type deed struct {
	segment
	frame   string
	verdict cable.Verdict
}

// judge draws a verdict for every segment and writes it down. SYNs are spared, so
// that every connection comes about with its options.
func (r *record) judge(m mischief, random *rand.Rand) cable.Judge {
	return func(_ int, frame []byte) cable.Verdict {
		s := dissect(frame)
		v := r.decide(s, m, random)
		r.sent = append(r.sent, deed{s, string(frame), v})
		return v
	}
}

func (r *record) decide(s segment, m mischief, random *rand.Rand) (v cable.Verdict) {
	often := func(thousandths int) bool { return random.IntN(1000) < thousandths }
	late := func() time.Duration {
		return time.Millisecond + time.Duration(random.Int64N(int64(max(m.most, 2*time.Millisecond)-time.Millisecond)))
	}
	switch {
	case s.flags&2 != 0: // SYN
	case s.payload == 0 && s.flags&1 == 0:
		v.Drop = often(m.acks)
	case r.free > 0 || often(m.drop):
		if r.free == 0 {
			r.free = 1 + random.IntN(max(1, m.burst))
		}
		r.free--
		v.Drop = true
	case often(m.late):
		v.Late = late()
	case often(m.copy):
		v.Copies = []time.Duration{late()}
	}
	return v
}

// label runs a capture through the tracker: the findings of each frame, by number.
func label(t *testing.T, list []sighting) map[int64][]flow.Finding {
	t.Helper()
	found := map[int64][]flow.Finding{}
	follow(list, func(n int64, e *flow.Event) {
		for _, f := range e.Findings {
			if f.Frame < 1 || f.Frame > n || f.Frames[0] < 0 || f.Frames[0] > n || f.Frames[1] < 0 || f.Frames[1] > n {
				t.Errorf("frame %d: %v of frame %d rests on frames %v, which nobody has seen", n, f.Label, f.Frame, f.Frames)
			}
			if f.Why() == "" {
				t.Errorf("frame %d: %v without a reason", n, f.Label)
			}
			found[f.Frame] = append(found[f.Frame], f)
		}
	})
	return found
}

// follow has a tracker see a capture.
func follow(list []sighting, see func(n int64, e *flow.Event)) {
	tracker := flow.New(flow.Config{})
	var packet capture.Packet
	for i, s := range list {
		record := capture.Record{
			Number: int64(i + 1), Time: s.at.UnixNano(), Wire: len(s.frame), Data: s.frame, Link: capture.LinkEthernet, Offset: -1,
		}
		capture.Decode(&record, &packet)
		if e := tracker.Add(&packet); e != nil {
			see(record.Number, e)
		}
	}
}

// verdicts compares labels with the truth, and counts.
type verdicts struct {
	t      *testing.T
	list   []sighting
	labels map[int64][]flow.Finding

	first, resent, overtaken, copies, hidden int // segments of that kind
	wrong, spurious, needless                int
}

func (v *verdicts) String() string {
	return fmt.Sprintf("%d frames: %d sent first, %d again (%d of them with no trace of it), %d overtaken, %d copied; %d of %d needless ones known as spurious; %d wrong",
		len(v.list), v.first, v.resent, v.hidden, v.overtaken, v.copies, v.spurious, v.needless, v.wrong)
}

var (
	again = []flow.Label{
		flow.LabelRetransmission, flow.LabelTimeoutRetransmission, flow.LabelFastRetransmission,
		flow.LabelTailLossProbe, flow.LabelSpurious,
	}
	order = []flow.Label{flow.LabelOutOfOrder}
	twice = []flow.Label{flow.LabelDuplicate}
)

func (v *verdicts) has(frame int, wanted ...[]flow.Label) bool {
	return slices.ContainsFunc(v.labels[int64(frame)], func(f flow.Finding) bool {
		return slices.ContainsFunc(wanted, func(list []flow.Label) bool { return slices.Contains(list, f.Label) })
	})
}

// must says what is wrong with a frame's labels, with why the first are there.
func (v *verdicts) must(ok bool, frame int, d deed, is, want string) {
	v.t.Helper()
	if ok {
		return
	}
	if v.wrong++; v.wrong > 8 {
		return
	}
	var said []string
	for _, f := range v.labels[int64(frame)] {
		said = append(said, fmt.Sprintf("%v (%s)", f.Label, f.Why()))
	}
	v.t.Errorf("frame %d (%v) %s: want %s; labelled %s", frame, d.segment, is, want, strings.Join(said, ", "))
}

// leaving judges the labels on what the end beside the sniffer sent, which the wire
// has not touched yet.
func (v *verdicts) leaving(r *record) {
	n := 0
	for i, s := range v.list {
		if !s.sent {
			continue
		}
		d, frame := r.sent[n], i+1
		if d.frame != string(s.frame) {
			v.t.Fatalf("frame %d is not what the judge saw as its %dth", frame, n)
		}
		before := r.sent[:n]
		n++
		switch {
		case d.end == d.start:
			v.must(!v.has(frame, again, order, twice), frame, d, "carries nothing", "no word of loss or order")
		case !overlaps(before, d):
			v.first++
			v.must(!v.has(frame, again, order, twice), frame, d, "is sent for the first time", "no word of loss or order")
		default:
			v.resent++
			v.must(v.has(frame, again), frame, d, "is sent again", "a retransmission")
			v.must(!v.has(frame, order, twice), frame, d, "is sent again", "neither order nor copy")
			needless := delivered(before, d)
			if needless {
				v.needless++
			}
			if v.has(frame, []flow.Label{flow.LabelSpurious}) {
				v.spurious++
				// A copy that the wire makes of it looks to its sender as if both had arrived.
				v.must(needless || copied(r.sent, d), frame, d, "is sent again and had not arrived", "not spurious")
			}
		}
	}
	if n != len(r.sent) {
		v.t.Fatalf("%d frames seen leaving, the judge saw %d", n, len(r.sent))
	}
}

// overlaps says whether any byte of d was sent before.
func overlaps(before []deed, d deed) bool {
	return slices.ContainsFunc(before, func(b deed) bool { return int32(b.start-d.end) < 0 && int32(d.start-b.end) < 0 })
}

// copied says whether the wire has copied any byte of d, in whatever segment.
func copied(all []deed, d deed) bool {
	return slices.ContainsFunc(all, func(b deed) bool { return len(b.verdict.Copies) > 0 && overlaps([]deed{b}, d) })
}

// delivered says whether all bytes of d were sent before in segments that arrive.
func delivered(before []deed, d deed) bool {
	at := d.start
	for progress := true; progress && at != d.end; {
		progress = false
		for _, b := range before {
			if !b.verdict.Drop && int32(b.start-at) <= 0 && int32(at-b.end) < 0 {
				at, progress = b.end, true
				if int32(at-d.end) > 0 {
					at = d.end
				}
			}
		}
	}
	return at == d.end
}

// arriving judges the labels on what came over the wire to the sniffer.
func (v *verdicts) arriving(r *record) {
	numbers := map[string]int{}
	for n, d := range r.sent {
		numbers[d.frame] = n
	}
	came, latest := map[int]bool{}, -1 // latest: the last sent of those that came
	var top uint32                     // the highest number that came; what only acknowledges shows how far its end is
	started := false
	for i, s := range v.list {
		if s.sent {
			continue
		}
		n, ok := numbers[string(s.frame)]
		if !ok {
			v.t.Fatalf("frame %d is of no sender", i+1)
		}
		frame, d := i+1, r.sent[n]
		visible := started && int32(top-d.start) > 0 // what came later in the stream is there already
		resent := overlaps(r.sent[:n], d)
		switch {
		case d.end == d.start:
			v.must(!v.has(frame, again), frame, d, "carries nothing", "no retransmission")
		case came[n]:
			v.copies++
			v.must(v.has(frame, twice) && !v.has(frame, again), frame, d, "is a copy made by the wire", "a duplicate")
		case n < latest && resent:
			v.overtaken++
			v.must(!visible || v.has(frame, again, order, twice), frame, d, "is sent again and overtaken", "a word of either")
		case n < latest:
			v.overtaken++
			v.must(!v.has(frame, again), frame, d, "is overtaken", "no retransmission")
			v.must(!visible || v.has(frame, order, twice), frame, d, "is overtaken", "out of order")
		case resent && visible:
			v.resent++
			v.must(v.has(frame, again) && !v.has(frame, order, twice), frame, d, "is sent again", "a retransmission")
		case resent:
			v.resent++
			v.hidden++
			v.must(!v.has(frame, order, twice), frame, d, "is sent again", "neither order nor copy")
		default:
			v.first++
			v.must(!v.has(frame, again, order, twice), frame, d, "is sent for the first time", "no word of loss or order")
		}
		came[n] = true
		latest = max(latest, n)
		if !started || int32(d.end-top) > 0 {
			top, started = d.end, true
		}
	}
}
