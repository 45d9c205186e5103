//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// contender is a program that reads the whole capture.
type contender struct {
	name, title string
	slow        bool // one round is enough
	argv        func(p *plan, file string) []string
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
		{name: "flow", title: "dialtone: read, flows, labels", argv: worker("flow")},
		{name: "list", title: "dialtone trace --list", argv: func(p *plan, file string) []string {
			return []string{p.dialtone, "trace", "--list", file}
		}},
		{name: "gopacket", title: "gopacket: parse only", argv: worker("gopacket")},
		{name: "tcptrace", title: "tcptrace -n -l", argv: func(_ *plan, file string) []string {
			return []string{"tcptrace", "-n", "-l", file}
		}},
		{name: "tshark", title: "tshark -T fields, tcp.analysis", slow: true, argv: func(_ *plan, file string) []string {
			argv := []string{"tshark", "-n", "-r", file, "-T", "fields"}
			for _, f := range sharkFields {
				argv = append(argv, "-e", f)
			}
			return argv
		}},
	}
}

// reading is the table of whole captures: the contenders take turns.
func (p *plan) reading(ctx context.Context) string {
	file := p.path("capture.pcap")
	size, err := generate(file, p.packets)
	if err != nil {
		return fmt.Sprintf("### Reading\n\nnot available: %v\n\n", err)
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
	return p.report(size, list, results)
}

func (p *plan) once(ctx context.Context, c contender, file string) sample {
	argv := c.argv(p, file)
	if _, err := exec.LookPath(argv[0]); err != nil {
		return sample{note: "not available: " + argv[0] + " is not installed"}
	}
	return run(ctx, p.cpu, argv...)
}

func (p *plan) report(size int64, list []contender, results map[string][]sample) string {
	cells := map[string]sample{}
	lines := [][]string{{"what", "packets/s", "seconds", "CPU s", "MiB beside the file", "bytes a packet"}}
	for _, c := range list {
		if len(results[c.name]) == 0 {
			continue
		}
		cells[c.name] = median(results[c.name])
		lines = append(lines, append([]string{c.title}, p.columns(cells[c.name])...))
	}
	own := cells["flow"]
	goals := [][]string{
		{"target", "reached"},
		{"dialtone ≥ 5 M packets/s", atLeast(p.rate(own)/1e6, 5, "M")},
		{"dialtone ≥ 12 M packets/s (stretch)", atLeast(p.rate(own)/1e6, 12, "M")},
		{"dialtone ≤ 64 bytes of memory a packet", atMost(float64(own.memory)/float64(p.packets), 64, "bytes")},
	}
	return fmt.Sprintf("### Reading %s packets, %.0f MB, one CPU\n\n%s\n%s\n%s\n", thousands(p.packets), float64(size)/1e6, grid(lines), p.found(own), grid(goals))
}

// rate is packets a second, 0 where there is no figure.
func (p *plan) rate(s sample) float64 {
	if s.note != "" || s.seconds == 0 {
		return 0
	}
	return float64(p.packets) / s.seconds
}

func (p *plan) columns(s sample) []string {
	if s.note != "" {
		return []string{s.note, "", "", "", ""}
	}
	return []string{
		thousands(int(p.rate(s)/1000) * 1000), digits(s.seconds), digits(s.cpu),
		digits(float64(s.memory) / (1 << 20)), digits(float64(s.memory) / float64(p.packets)),
	}
}

// found says what our own reading found, so that nobody measures an empty loop.
func (p *plan) found(s sample) string {
	var c count
	if s.note != "" || json.Unmarshal([]byte(strings.TrimSpace(string(s.output))), &c) != nil {
		return ""
	}
	return fmt.Sprintf("dialtone found %s packets in %s conversations, %s segments sent again, %s out of order.\n",
		thousands(int(c.Packets)), thousands(c.Conversations), thousands(int(c.Again)), thousands(int(c.OutOfOrder)))
}
