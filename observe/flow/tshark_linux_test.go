package flow_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"dialtone/observe/capture"
	"dialtone/observe/flow"
)

// TestAgreesWithTshark holds the structure of every fixture against an independent
// reader: as many frames, and of each its time, lengths, addresses, ports, flags,
// relative numbers, length and window.
func TestAgreesWithTshark(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(captures, "*.pcapng"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no captures in %s: %v", captures, err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".pcapng"), func(t *testing.T) {
			t.Parallel()
			agreeWithTshark(t, name)
		})
	}
}

// sharkFields are asked for in this order; where one occurs more than once, in a
// packet that an ICMP error quotes, the first counts.
var sharkFields = []string{
	"frame.number", "frame.time_epoch", "frame.len", "frame.cap_len", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst",
	"icmp.type", "icmpv6.type", "udp.srcport", "udp.dstport", "tcp.srcport", "tcp.dstport", "tcp.flags",
	"tcp.seq_raw", "tcp.ack_raw", "tcp.seq", "tcp.ack", "tcp.len", "tcp.window_size", "tcp.stream",
}

// shark is what tshark says of each frame, as one map a frame.
func shark(t *testing.T, file string) (frames []map[string]string) {
	t.Helper()
	program, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed (.ci/prepare does)")
	}
	args := []string{
		"-n", "-r", file, "-T", "fields", "-E", "separator=|", "-E", "occurrence=f",
		"-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE", "-o", "tcp.desegment_tcp_streams:FALSE",
	}
	for _, f := range sharkFields {
		args = append(args, "-e", f)
	}
	cmd := exec.Command(program, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v: %s", err, &stderr)
	}
	for line := range strings.Lines(string(out)) {
		frame := map[string]string{}
		for i, value := range strings.Split(strings.TrimRight(line, "\n"), "|") {
			frame[sharkFields[i]] = value
		}
		frames = append(frames, frame)
	}
	return frames
}

func agreeWithTshark(t *testing.T, name string) {
	t.Helper()
	theirs := shark(t, name)
	file, err := capture.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	tracker := flow.New(flow.Config{})
	var p capture.Packet
	streams, wrong := streams{}, 0
	for n := 0; ; n++ {
		r, err := file.Next()
		if errors.Is(err, io.EOF) {
			if n != len(theirs) {
				t.Errorf("%d frames, tshark has %d", n, len(theirs))
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if n == len(theirs) {
			t.Fatalf("more frames than the %d of tshark", n)
		}
		capture.Decode(r, &p)
		e := tracker.Add(&p)
		ours := own(&p, e)
		if p.HasTCP {
			ours["tcp.stream"] = streams.name(e, theirs[n]["tcp.stream"])
		}
		for _, field := range sharkFields {
			if got, ok := ours[field]; ok && got != theirs[n][field] && wrong < 20 {
				wrong++
				t.Errorf("frame %s: %s is %q, by tshark %q", ours["frame.number"], field, got, theirs[n][field])
			}
		}
	}
}

// streams are the numbers that both give to TCP conversations: ours count UDP, too.
type streams map[int]string

// name is tshark's number of our conversation, which its first packet was in.
func (s streams) name(e *flow.Event, theirs string) string {
	if e == nil {
		return "none of ours"
	}
	if known, ok := s[e.Talk.ID]; ok {
		return known
	}
	if other := slices.Sorted(maps.Values(s)); slices.Contains(other, theirs) {
		return "another than the one that already has this number"
	}
	s[e.Talk.ID] = theirs
	return theirs
}

// own is the same of our own reading. Fields that it lacks are not compared: what
// tshark shows of them is of a quoted packet, or has no meaning.
func own(p *capture.Packet, e *flow.Event) map[string]string {
	m := map[string]string{
		"frame.number": fmt.Sprint(p.Number), "frame.time_epoch": fmt.Sprintf("%d.%09d", p.Time/1e9, p.Time%1e9),
		"frame.len": fmt.Sprint(p.Wire), "frame.cap_len": fmt.Sprint(len(p.Data)),
	}
	switch p.Version {
	case 4:
		m["ip.src"], m["ip.dst"] = p.Src.String(), p.Dst.String()
	case 6:
		m["ipv6.src"], m["ipv6.dst"] = p.Src.String(), p.Dst.String()
	}
	if p.HasUDP {
		m["udp.srcport"], m["udp.dstport"] = fmt.Sprint(p.SrcPort), fmt.Sprint(p.DstPort)
	}
	if !p.HasTCP {
		return m
	}
	m["tcp.srcport"], m["tcp.dstport"] = fmt.Sprint(p.SrcPort), fmt.Sprint(p.DstPort)
	m["tcp.flags"] = fmt.Sprintf("0x%04x", uint16(p.TCP.Flags))
	m["tcp.seq_raw"], m["tcp.ack_raw"] = fmt.Sprint(uint32(p.TCP.Seq)), fmt.Sprint(uint32(p.TCP.Ack))
	m["tcp.len"] = strconv.Itoa(p.Len)
	if e == nil {
		return m
	}
	if p.TCP.Flags&0x10 != 0 { // ACK
		m["tcp.ack"] = fmt.Sprint(e.Ack)
	}
	m["tcp.seq"] = fmt.Sprint(e.Seq)
	if e.Window >= 0 {
		m["tcp.window_size"] = fmt.Sprint(e.Window)
	}
	return m
}
