//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"dialtone/bench/report"
)

// contender is a program that reads the whole capture.
type contender struct {
	name, title string
	slow        bool // one round is enough
	argv        func(p *plan, file string) []string
	read        func(line string, c *called) // takes from a line of output what it calls segments; nil: it does not say
}

// sharkFields are what tshark knows of loss and order, for which it follows flows.
var sharkFields = []string{
	"frame.number", "tcp.stream", "tcp.seq", "tcp.ack", "tcp.len", "tcp.analysis.retransmission",
	"tcp.analysis.fast_retransmission", "tcp.analysis.spurious_retransmission", "tcp.analysis.out_of_order",
	"tcp.analysis.lost_segment", "tcp.analysis.duplicate_ack", "tcp.analysis.bytes_in_flight", "tcp.analysis.ack_rtt",
}

func contenders() []contender {
	worker := func(kind string) func(*plan, string) []string {
		return func(p *plan, file string) []string { return []string{p.self, "-worker", kind, file} }
	}
	return []contender{
		{name: "flow", title: "dialtone: read, flows, labels", argv: worker("flow"), read: readWorker},
		{name: "list", title: "dialtone trace --list", argv: func(p *plan, file string) []string {
			return []string{p.dialtone, "trace", "--list", file}
		}},
		{name: "gopacket", title: "gopacket: parse only", argv: worker("gopacket")},
		{name: "tcptrace", title: "tcptrace -n -l", read: readTcptrace, argv: func(_ *plan, file string) []string {
			return []string{"tcptrace", "-n", "-l", file}
		}},
		{name: "tshark", title: "tshark -T fields, tcp.analysis", slow: true, read: readShark, argv: func(_ *plan, file string) []string {
			argv := []string{"tshark", "-n", "-r", file, "-T", "fields"}
			for _, f := range sharkFields {
				argv = append(argv, "-e", f)
			}
			return argv
		}},
	}
}

func readWorker(line string, c *called) {
	var got count
	if json.Unmarshal([]byte(line), &got) == nil {
		c.again, c.outOfOrder = got.Again, got.OutOfOrder
	}
}

func readShark(line string, c *called) {
	fields := strings.Split(line, "\t")
	if len(fields) < len(sharkFields) {
		return
	}
	if strings.Join(fields[5:8], "") != "" {
		c.again++
	}
	if fields[8] != "" {
		c.outOfOrder++
	}
}

// readTcptrace reads lines that have a figure for each direction.
func readTcptrace(line string, c *called) {
	into := &c.again
	if strings.Contains(line, "outoforder pkts:") {
		into = &c.outOfOrder
	} else if !strings.Contains(line, "rexmt data pkts:") {
		return
	}
	for word := range strings.FieldsSeq(line) {
		n, _ := strconv.ParseInt(word, 10, 64)
		*into += n
	}
}

// reading is the table of a whole capture, with at most snap bytes of each packet (0
// for all): the contenders take turns.
func (p *plan) reading(ctx context.Context, snap int) string {
	if !slices.ContainsFunc(contenders(), func(c contender) bool { return p.only.MatchString(c.name) }) {
		return ""
	}
	file := p.path("capture.pcap")
	made, err := generate(file, p.packets, snap)
	heading := fmt.Sprintf("### Reading %s packets on one CPU: whole ones, %.0f MB", report.Thousands(p.packets), float64(made.bytes)/1e6)
	if snap > 0 {
		heading = fmt.Sprintf("### Reading %s packets on one CPU: %d bytes of each, %.0f MB", report.Thousands(p.packets), snap, float64(made.bytes)/1e6)
	}
	if err != nil {
		return fmt.Sprintf("%s\n\nnot available: %v\n\n", heading, err)
	}
	defer os.Remove(file)
	results := map[string][]sample{}
	list := contenders()
	for round := range p.rounds {
		for i := range list {
			c := list[(i+round)%len(list)] // nobody is always after the same one
			if !p.only.MatchString(c.name) || c.slow && round > 0 || ctx.Err() != nil {
				continue
			}
			s := p.once(ctx, c, file)
			p.say("%-9s %6.2f s  %6.1f MiB  %s", c.name, s.seconds, float64(s.memory)/(1<<20), s.note)
			results[c.name] = append(results[c.name], s)
		}
	}
	return heading + "\n\n" + p.report(made, list, results)
}

func (p *plan) once(ctx context.Context, c contender, file string) sample {
	argv := c.argv(p, file)
	if _, err := exec.LookPath(argv[0]); err != nil {
		return sample{note: "not available: " + filepath.Base(argv[0]) + " is not there"}
	}
	if c.read == nil {
		return run(ctx, p.cpu, nil, argv...)
	}
	var said called
	s := run(ctx, p.cpu, func(line string) { c.read(line, &said) }, argv...)
	s.called = said
	return s
}

func (p *plan) report(m made, list []contender, results map[string][]sample) string {
	cells := map[string]sample{}
	lines := [][]string{{
		"what", "packets/CPU s", "CPU s", "seconds", "MiB beside the file", "bytes a packet",
		fmt.Sprintf("sent again, of %s", report.Thousands(int(m.again))), "out of order, of 0",
	}}
	for _, c := range list {
		if len(results[c.name]) == 0 {
			continue
		}
		cells[c.name] = median(results[c.name])
		lines = append(lines, append([]string{c.title}, p.columns(c, cells[c.name])...))
	}
	own := cells["flow"]
	wrong := max(own.called.again-m.again, m.again-own.called.again) + own.called.outOfOrder
	goals := [][]string{
		{"target", "reached"},
		{"dialtone ≥ 5 M packets/s", report.AtLeast(p.rate(own)/1e6, 5, "M")},
		{"dialtone ≥ 12 M packets/s (stretch)", report.AtLeast(p.rate(own)/1e6, 12, "M")},
		{"dialtone ≤ 64 bytes of memory a packet", report.AtMost(perPacket(own, p.packets), 64, "bytes")},
		{"dialtone trace --list ≤ 64 bytes of memory a packet", report.AtMost(perPacket(cells["list"], p.packets), 64, "bytes")},
		{"dialtone has no wrong label", none(own.seconds > 0, wrong, "wrong")},
	}
	return fmt.Sprintf("%s\n%s\n", report.Grid(lines), report.Grid(goals))
}

// none asks for nothing of that kind; known is whether it was looked for.
func none(known bool, got int64, kind string) string {
	switch {
	case !known:
		return report.NotMeasured
	case got > 0:
		return fmt.Sprintf("missed: %s %s", report.Thousands(int(got)), kind)
	}
	return "met: 0 " + kind
}

// perPacket is memory, 0 where there is no figure.
func perPacket(s sample, packets int) float64 {
	if s.note != "" {
		return 0
	}
	return float64(s.memory) / float64(packets)
}

// rate is packets a second of the processor, 0 where there is no figure.
func (p *plan) rate(s sample) float64 {
	if s.note != "" || s.cpu == 0 {
		return 0
	}
	return float64(p.packets) / s.cpu
}

func (p *plan) columns(c contender, s sample) []string {
	if s.note != "" {
		return []string{s.note, "", "", "", "", "", ""}
	}
	again, outOfOrder := "", ""
	if c.read != nil {
		again, outOfOrder = report.Thousands(int(s.called.again)), report.Thousands(int(s.called.outOfOrder))
	}
	return []string{
		report.Thousands(int(p.rate(s)/1000) * 1000), report.Digits(s.cpu), report.Digits(s.seconds),
		report.Digits(float64(s.memory) / (1 << 20)), report.Digits(perPacket(s, p.packets)), again, outOfOrder,
	}
}
