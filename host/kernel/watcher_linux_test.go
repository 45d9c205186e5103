package kernel

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"dialtone/host"
	"dialtone/observe/capture"
	"dialtone/observe/flow"
	"dialtone/transport/tcp"
)

// watcher captures what the host sees into a file.
type watcher struct {
	path     string
	recorder *capture.Recorder

	mu   sync.Mutex
	file *os.File
	w    *capture.PcapngWriter
	err  error
}

func newWatcher(t *testing.T, snap int) *watcher {
	t.Helper()
	w := &watcher{path: filepath.Join(t.TempDir(), "seen.pcapng")}
	var err error
	if w.file, err = os.Create(w.path); err != nil {
		t.Fatal(err)
	}
	if w.w, err = capture.NewPcapngWriter(w.file, "dialtone"); err != nil {
		t.Fatal(err)
	}
	w.recorder = capture.NewRecorder(func(r *capture.Record) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if snap > 0 && len(r.Data) > snap {
			r.Data = r.Data[:snap]
		}
		w.err = errors.Join(w.err, w.w.Write(r))
	})
	return w
}

func (w *watcher) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = errors.Join(w.err, w.w.Flush())
}

func (w *watcher) finish() error {
	w.recorder.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	return errors.Join(w.err, w.w.Flush(), w.file.Close())
}

// always are the labels that any conversation may have.
var always = []flow.Label{
	flow.LabelSYN, flow.LabelSYNACK, flow.LabelHandshake, flow.LabelFIN, flow.LabelHalfClose, flow.LabelFinalFIN,
	flow.LabelFinalACK, flow.LabelCrossedFIN, flow.LabelWindowUpdate, flow.LabelWindowFull,
}

// again are those that sending again causes. On a slow machine an end may do so though
// nothing was lost: then the bytes are in the capture twice, which is asked for.
var again = []flow.Label{
	flow.LabelRetransmission, flow.LabelTimeoutRetransmission, flow.LabelTailLossProbe, flow.LabelSpurious,
	flow.LabelDSACK, flow.LabelTimeWaitACK, flow.LabelPortReuse,
}

// twiceOver are those of conversations in which that was: what came twice is
// acknowledged twice, the second acknowledgement of a FIN may find nobody, and one byte
// sent again looks as a keep-alive does.
var twiceOver = []flow.Label{flow.LabelDupACK, flow.LabelReset, flow.LabelKeepAlive, flow.LabelKeepAliveACK}

// shut are those that a reader causes who is slower than the line: the window is 0, by
// the header, and was before.
var shut = []flow.Label{flow.LabelZeroWindow, flow.LabelZeroWindowProbe, flow.LabelProbeACK}

// lost are those that a loss causes.
var lost = []flow.Label{
	flow.LabelFastRetransmission, flow.LabelDupACK, flow.LabelSACK, flow.LabelOutOfOrder, flow.LabelNotCaptured,
}

// judge holds what was captured against what was caused.
func (y *yard) judge() {
	if err := y.watcher.finish(); err != nil {
		y.Error(err)
		return
	}
	if c := y.device.Counts(); c.Refused+c.Malformed > 0 {
		y.Errorf("device: %+v", c)
	}
	may := slices.Concat(always, y.may)
	drops := y.drops()
	if drops > 0 || y.lose > 0 {
		y.Logf("%d frames dropped by the two machines", drops)
		may = slices.Concat(may, again, lost)
	}
	repeated := y.labels(may, drops)
	y.shark(repeated, drops)
	if dir := os.Getenv("DIALTONE_KEEP"); dir != "" && y.Failed() {
		name := strings.ReplaceAll(y.Name(), "/", "-") + ".pcapng"
		y.run("cp", y.watcher.path, filepath.Join(dir, name))
	}
}

// drops is how many frames the two machines themselves had no room for: the kernel in
// the device or in the queue before it, we in the row before the device.
func (y *yard) drops() (n int) {
	var links []struct {
		Stats struct {
			RX, TX struct{ Dropped int }
		} `json:"stats64"`
	}
	y.ask(&links, "ip", "-n", y.ns, "-j", "-s", "link", "show", "tap0")
	for _, l := range links {
		n += l.Stats.RX.Dropped + l.Stats.TX.Dropped
	}
	var queues []struct{ Drops int }
	y.ask(&queues, "tc", "-n", y.ns, "-j", "-s", "qdisc", "show", "dev", "tap0")
	for _, q := range queues {
		n += q.Drops
	}
	return n + int(y.host.Counters().Dropped[host.DropQueueFull])
}

// ask runs a program that answers in JSON.
func (y *yard) ask(answer any, program ...string) {
	y.Helper()
	text := y.run(program[0], program[1:]...)
	if err := json.Unmarshal([]byte(text), answer); err != nil {
		y.Fatalf("%v: %v: %s", program, err, text)
	}
}

// labels looks at every label. It returns how many frames repeat what one before had.
func (y *yard) labels(may []flow.Label, drops int) (repeated int) {
	file, err := capture.Open(y.watcher.path)
	if err != nil {
		y.Fatal(err)
	}
	defer file.Close()
	tracker, ends := flow.New(flow.Config{}), map[string]tcp.Seq{}
	var p capture.Packet
	wrong, zero, twice := map[flow.Label]int{}, false, map[int]bool{}
	for {
		r, err := file.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			y.Fatal(err)
		}
		capture.Decode(r, &p)
		p.Verify()
		if p.Err != nil && !(y.snap > 0) {
			y.Errorf("frame %d: %v", r.Number, p.Err)
		}
		if p.IPChecksum == capture.ChecksumBad {
			y.Errorf("frame %d: bad IP checksum", r.Number)
		}
		e := tracker.Add(&p)
		if e == nil {
			continue
		}
		sentAgain := repeats(ends, e)
		if sentAgain {
			repeated++
			twice[e.Talk.ID] = true
		}
		zero = zero || e.Packet.HasTCP && e.Packet.TCP.Window == 0 && e.Packet.TCP.Flags&(tcp.SYN|tcp.RST) == 0
		for _, f := range e.Findings {
			caused := slices.Contains(may, f.Label) || repeated > 0 && slices.Contains(again, f.Label) ||
				twice[e.Talk.ID] && slices.Contains(twiceOver, f.Label) || zero && slices.Contains(shut, f.Label)
			if !caused {
				if wrong[f.Label]++; wrong[f.Label] <= 3 {
					y.Errorf("frame %d of conversation %d (seq %d, %d bytes): %v: %s", f.Frame, e.Talk.ID, e.Seq, e.Len, f.Label, f.Why())
				}
			}
			if f.Label == flow.LabelRetransmission && f.Frame == r.Number && !sentAgain && y.lose+drops == 0 {
				y.Errorf("frame %d is called a retransmission and repeats nothing: %s", f.Frame, f.Why())
			}
		}
	}
	for label, n := range wrong {
		y.Errorf("%d frames are called %v", n, label)
	}
	return repeated
}

// repeats says whether a segment has bytes, a SYN or a FIN that its end sent before.
func repeats(ends map[string]tcp.Seq, e *flow.Event) bool {
	h := &e.Packet.TCP
	length := e.Len
	if h.Flags&tcp.SYN != 0 {
		length++
	}
	if h.Flags&tcp.FIN != 0 {
		length++
	}
	if length == 0 || !e.Packet.HasTCP || h.Flags&tcp.RST != 0 {
		return false
	}
	key := fmt.Sprintf("%d/%d", e.Talk.ID, e.From)
	last, known := ends[key]
	if end := h.Seq + tcp.Seq(length); !known || last.Less(end) {
		ends[key] = end
	}
	return known && h.Seq.Less(last)
}

// shark asks tshark for what it thinks is wrong. It, too, must find nothing where
// nothing was.
func (y *yard) shark(repeated, drops int) {
	program, err := exec.LookPath("tshark")
	if err != nil {
		y.Log("tshark is not installed (.ci/prepare does): its opinion is missing")
		return
	}
	analysis := []string{"lost_segment", "ack_lost_segment"}
	if repeated == 0 && y.lose == 0 {
		analysis = append(analysis, "retransmission", "fast_retransmission", "spurious_retransmission", "out_of_order", "duplicate_ack")
	}
	filter := "_ws.malformed"
	if drops == 0 && y.lose == 0 {
		for _, a := range analysis {
			filter += " || tcp.analysis." + a
		}
	}
	out, err := exec.Command(program, "-n", "-r", y.watcher.path, "-o", "tcp.desegment_tcp_streams:FALSE",
		"-o", "ip.defragment:FALSE", "--disable-protocol", "http", "--disable-protocol", "ssh", "-Y", filter).CombinedOutput()
	text := strings.TrimSpace(string(out))
	text, _ = strings.CutPrefix(text, "Running as user \"root\" and group \"root\". This could be dangerous.")
	if err != nil || strings.TrimSpace(text) != "" {
		y.Errorf("tshark: %v\n%.2000s", err, text)
	}
}
