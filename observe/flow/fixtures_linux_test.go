package flow_test

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"dialtone/internet"
	"dialtone/link/cable"
	"dialtone/observe/capture"
	"dialtone/observe/flow"
)

var remake = flag.String("remake", "", "make the captures whose name matches this `regexp` again, and their README (needs root)")

const captures = "../../testdata/captures"

// TestFixtures makes captures again where -remake says so:
//
//	go test ./observe/flow -run TestFixtures -remake .
func TestFixtures(t *testing.T) {
	if *remake == "" {
		t.Skip("captures are made with -remake only")
	}
	wanted := regexp.MustCompile(*remake)
	for _, x := range exchanges {
		if wanted.MatchString(x.name) {
			t.Run(x.name, x.record)
		}
	}
	if err := os.WriteFile(filepath.Join(captures, "README.md"), []byte(readme()), 0o644); err != nil {
		t.Error(err)
	}
}

// record runs the exchange and writes its capture.
func (x exchange) record(t *testing.T) {
	c := cable.Both(cable.Direction{Delay: 5 * time.Millisecond})
	if x.delay > 0 {
		c = cable.Both(cable.Direction{Delay: x.delay})
	}
	c.MTU = x.mtu
	if x.there != nil {
		c.AtoB.Judge = x.there()
	}
	if x.back != nil {
		c.BtoA.Judge = x.back()
	}
	w := lay(t, c)
	if x.device != "" {
		defer w.sniff(x.device)()
	}
	x.run(w)
	w.quiet(150 * time.Millisecond)
	var list []sighting
	for i, s := range w.seen[x.beside].all() {
		if x.keep == nil || x.keep(i, s) {
			s.frame = slices.Insert(s.frame, 12, []byte(x.trunk)...)
			list = append(list, s)
		}
	}
	out := pcapng(x.device, list)
	t.Logf("%d frames, %d bytes", len(list), len(out))
	if len(list) == 0 || len(out) > 24<<10 {
		t.Errorf("a fixture of %d frames and %d bytes", len(list), len(out))
	}
	w.must(os.WriteFile(filepath.Join(captures, x.name+".pcapng"), out, 0o644))
}

// sniff adds what a device of end A carries to what was seen beside it, until the
// function that it returns is called.
func (w *wire) sniff(name string) (stop func()) {
	var fd int
	w.must(w.A.Do(func() (err error) {
		const all = 0x0300 // ETH_P_ALL in network order
		fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, all)
		return err
	}))
	w.must(unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 20_000}))
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		buf := make([]byte, 70_000)
		for {
			n, from, err := unix.Recvfrom(fd, buf, 0)
			select {
			case <-over:
				return
			default:
			}
			device, ok := from.(*unix.SockaddrLinklayer)
			if err != nil || !ok || (name == "lo") != (device.Hatype == unix.ARPHRD_LOOPBACK) || name != "lo" && isCable(buf[:n]) {
				continue
			}
			if name == "lo" && device.Pkttype != unix.PACKET_OUTGOING { // lo shows each frame twice
				continue
			}
			w.seen[0].see(time.Now(), device.Pkttype == unix.PACKET_OUTGOING, buf[:n])
		}
	}()
	return func() {
		close(over)
		<-ended
		unix.Close(fd)
	}
}

// isCable knows a frame of the cable by its ends' hardware addresses.
func isCable(frame []byte) bool { return strings.Contains(string(frame[:min(12, len(frame))]), "cabl") }

// pcapng is a capture file of one Ethernet interface with times in nanoseconds.
func pcapng(device string, list []sighting) []byte {
	if device == "" {
		device = "cable0"
	}
	le := binary.LittleEndian
	block := func(out []byte, kind uint32, body []byte) []byte {
		body = append(body, make([]byte, -len(body)&3)...)
		out = le.AppendUint32(out, kind)
		out = le.AppendUint32(out, uint32(12+len(body)))
		out = append(out, body...)
		return le.AppendUint32(out, uint32(12+len(body)))
	}
	option := func(b []byte, code uint16, value []byte) []byte {
		b = le.AppendUint16(b, code)
		b = append(le.AppendUint16(b, uint16(len(value))), value...)
		return append(b, make([]byte, -len(value)&3)...)
	}
	section := le.AppendUint32(nil, 0x1a2b3c4d)
	section = le.AppendUint32(section, 1) // version 1.0
	section = le.AppendUint64(section, ^uint64(0))
	out := block(nil, 0x0a0d0d0a, section)
	description := option(le.AppendUint32([]byte{1, 0, 0, 0}, 0), 2, []byte(device)) // Ethernet, whole frames; if_name
	out = block(out, 1, option(option(description, 9, []byte{9}), 0, nil))           // if_tsresol
	for _, s := range list {
		at := uint64(s.at.UnixNano())
		packet := le.AppendUint32(nil, 0)
		packet = le.AppendUint32(packet, uint32(at>>32))
		packet = le.AppendUint32(packet, uint32(at))
		packet = le.AppendUint32(packet, uint32(len(s.frame)))
		packet = le.AppendUint32(packet, uint32(len(s.frame)))
		packet = append(packet, s.frame...)
		packet = append(packet, make([]byte, -len(packet)&3)...)
		direction := uint32(1) // inbound
		if s.sent {
			direction = 2
		}
		out = block(out, 6, option(option(packet, 2, le.AppendUint32(nil, direction)), 0, nil))
	}
	return out
}

// readme says what the captures are.
func readme() string {
	var b strings.Builder
	b.WriteString(`# Captures

Each file is one exchange between two Linux kernels, recorded with times in nanoseconds. The kernels live in network
namespaces, joined by the cable of ` + "`link/cable`" + `, 5 ms long unless a line says otherwise; the cable decides what becomes
of single frames, so that what happened is known. The client is 10.77.0.1 port 40001, the server 10.77.0.2 port 8000.
A capture is taken beside the client, before the cable touches what it sends, or where the line says so beside the server.

The exchanges are scripts in ` + "`observe/flow/exchanges_linux_test.go`" + `, which also write this page. As root on Linux:

    go test ./observe/flow -run TestFixtures -remake .            # all of them
    go test ./observe/flow -run TestFixtures -remake '^refused$'  # one

Times and initial sequence numbers are new each time; what is sent, lost and late is not.

| capture | beside | what it shows |
|---------|--------|---------------|
`)
	for _, x := range exchanges {
		beside := []string{"client", "server"}[x.beside]
		if x.device != "" {
			beside = "client, on " + x.device
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", x.name, beside, x.what)
	}
	return b.String()
}

// TestFixturesShowWhatTheyAreFor holds the labels of every capture against what its
// exchange is known to be: all of them, and no other.
func TestFixturesShowWhatTheyAreFor(t *testing.T) {
	for _, x := range exchanges {
		t.Run(x.name, func(t *testing.T) {
			file, err := capture.Open(filepath.Join(captures, x.name+".pcapng"))
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			labels, talk := labelsOf(t, file)
			if talk == nil || talk.Protocol != internet.TCP {
				if len(labels) != len(x.labels) || len(x.labels) == 1 && !labels[x.labels[0]] {
					t.Errorf("labels %v, want %v", labels, x.labels)
				}
				return
			}
			opened, closed := x.opened, x.closed
			if opened == flow.HowNot && closed == flow.HowNot {
				opened, closed = flow.HowHandshake, flow.HowFourWay
			}
			if talk.Opened != opened || talk.Closed != closed {
				t.Errorf("opened %q, closed %q, want %q and %q", talk.Opened, talk.Closed, opened, closed)
			}
			want := map[flow.Label]bool{}
			for _, l := range slices.Concat(x.labels, plain(opened, closed)) {
				want[l] = true
			}
			if !maps.Equal(labels, want) {
				t.Errorf("labels %v, want %v", labels, want)
			}
		})
	}
}

// plain are the labels that every conversation has that was opened and closed so.
func plain(opened, closed flow.How) (labels []flow.Label) {
	switch opened {
	case flow.HowHandshake:
		labels = append(labels, flow.LabelSYN, flow.LabelSYNACK, flow.LabelHandshake)
	case flow.HowSimultaneous:
		labels = append(labels, flow.LabelSYN, flow.LabelSYNACK)
	case flow.HowNot:
		labels = append(labels, flow.LabelSYN)
	}
	switch closed {
	case flow.HowFourWay, flow.HowThreeWay:
		labels = append(labels, flow.LabelFIN, flow.LabelFinalFIN, flow.LabelFinalACK)
	case flow.HowBothAtOnce:
		labels = append(labels, flow.LabelFIN, flow.LabelFinalACK)
	}
	return labels
}

// labelsOf are all labels of a capture, with its last conversation.
func labelsOf(t *testing.T, source capture.Source) (labels map[flow.Label]bool, talk *flow.Conversation) {
	t.Helper()
	labels = map[flow.Label]bool{}
	tracker := flow.New(flow.Config{})
	var p capture.Packet
	for {
		r, err := source.Next()
		if errors.Is(err, io.EOF) {
			return labels, talk
		}
		if err != nil {
			t.Fatal(err)
		}
		capture.Decode(r, &p)
		p.Verify()
		if e := tracker.Add(&p); e != nil {
			talk = e.Talk
			for _, f := range e.Findings {
				labels[f.Label] = true
			}
		}
	}
}

// TestEveryFixtureIsThere holds the scripts, the captures and their README together.
func TestEveryFixtureIsThere(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(captures, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if string(page) != readme() {
		t.Error("README.md is not what the exchanges say: go test ./observe/flow -run TestFixtures -remake '^$'")
	}
	known := map[string]bool{"README.md": true}
	for _, x := range exchanges {
		known[x.name+".pcapng"] = true
		if _, err := os.Stat(filepath.Join(captures, x.name+".pcapng")); errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s was not made", x.name)
		}
	}
	files, err := os.ReadDir(captures)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".pcapng") && !known[f.Name()] {
			t.Errorf("%s is of no exchange", f.Name())
		}
	}
}
