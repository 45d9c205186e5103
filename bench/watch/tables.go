//go:build linux

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"dialtone/bench/report"
)

// hold starts processes that have the sockets open, and returns when they have.
func (p *plan) hold() (release func(), err error) {
	var running []*exec.Cmd
	var inputs []io.Closer
	release = func() {
		for i, cmd := range running {
			inputs[i].Close()
			_ = cmd.Wait()
		}
	}
	for range p.holders {
		cmd := exec.Command(p.self, "-worker", "hold", strconv.Itoa(p.sockets/p.holders/2))
		in, err1 := cmd.StdinPipe()
		out, err2 := cmd.StdoutPipe()
		if err1 != nil || err2 != nil || cmd.Start() != nil {
			release()
			return nil, fmt.Errorf("cannot start %s", p.self)
		}
		running, inputs = append(running, cmd), append(inputs, in)
		if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
			release()
			return nil, fmt.Errorf("hold sockets: %q, %v", line, err)
		}
	}
	return release, nil
}

// contender is a program that prints all sockets, or a part of this one that reads them.
type contender struct {
	title string
	argv  []string
	warm  bool // the program itself prints what a reading took, in milliseconds
}

// contenders are asked for the same sockets: ss passes over those that are only bound, for
// which the kernel goes through another table.
func (p *plan) contenders() []contender {
	return []contender{
		{title: "ss -tan", argv: []string{"ss", "-tan"}},
		{title: "watch, the same columns", argv: []string{p.dialtone, "watch", "--once", "tcp and not state bound", "--columns", "state,recv,send,local,remote"}},
		{title: "ss -tani", argv: []string{"ss", "-tani"}},
		{title: "watch, with figures", argv: []string{p.dialtone, "watch", "--once", "tcp and not state bound", "--columns", "state,recv,send,local,remote,rtt,rttvar,rto,cwnd,mss,retrans,sent,received,pacing,delivery"}},
		{title: "ss -tanpi", argv: []string{"ss", "-tanpi"}},
		{title: "watch, with owners", argv: []string{p.dialtone, "watch", "--once", "tcp and not state bound"}},
		{title: "watch --json, every figure", argv: []string{p.dialtone, "watch", "--once", "--json", "tcp and not state bound"}},
		{title: "table read again, alone", argv: []string{p.self, "-worker", "read", "plain"}, warm: true},
		{title: "table read again, with figures", argv: []string{p.self, "-worker", "read", "info"}, warm: true},
		{title: "table read again, with owners", argv: []string{p.self, "-worker", "read", "owners"}, warm: true},
	}
}

// sample is one run of a contender.
type sample struct{ wall, cpu time.Duration }

// tables lets the contenders take turns.
func (p *plan) tables() string {
	list := p.contenders()
	notes := make([]string, len(list))
	samples := make([][]sample, len(list))
	for i, c := range list {
		notes[i] = p.complete(c)
	}
	for range p.rounds {
		for i, c := range list {
			if notes[i] != "" {
				continue
			}
			s, err := once(c)
			if err != nil {
				notes[i] = err.Error()
			}
			p.say("%-32s %8v wall %8v CPU", c.title, s.wall.Round(10*time.Microsecond), s.cpu.Round(10*time.Microsecond))
			samples[i] = append(samples[i], s)
		}
	}
	lines := [][]string{{"what", "ms", "CPU ms"}}
	wall := make([]float64, len(list))
	for i, c := range list {
		if notes[i] != "" {
			lines = append(lines, []string{c.title, notes[i], ""})
			continue
		}
		var cpu float64
		wall[i], cpu = median(samples[i], func(s sample) time.Duration { return s.wall }), median(samples[i], func(s sample) time.Duration { return s.cpu })
		lines = append(lines, []string{c.title, report.Digits(wall[i]), report.Digits(cpu)})
	}
	goals := [][]string{
		{"target", "reached"},
		{"watch, the same columns ≤ 25 ms", report.AtMost(wall[1], 25, "ms")},
		{"watch, with figures ≤ 30 ms", report.AtMost(wall[3], 30, "ms")},
		{"watch, with owners ≤ 100 ms", report.AtMost(wall[5], 100, "ms")},
		{"table read again, with owners ≤ 35 ms", report.AtMost(wall[9], 35, "ms")},
	}
	return fmt.Sprintf("### %s TCP sockets of %d processes\n\n%s\n%s\n", report.Thousands(p.sockets), p.holders, report.Grid(lines), report.Grid(goals))
}

// complete says what is wrong with what a contender prints: every socket has a line with
// the loopback address on it, to begin with.
func (p *plan) complete(c contender) string {
	if c.warm {
		return ""
	}
	out, err := exec.Command(c.argv[0], c.argv[1:]...).Output()
	if err != nil {
		return "not available: " + err.Error()
	}
	if n := bytes.Count(out, []byte("ESTAB")); n != p.sockets {
		return fmt.Sprintf("not complete: %d sockets", n)
	}
	return ""
}

// once runs a contender to its end.
func once(c contender) (s sample, err error) {
	cmd := exec.Command(c.argv[0], c.argv[1:]...) // its output goes to the null device
	var out strings.Builder
	if c.warm {
		cmd.Stdout = &out
	}
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return s, err
	}
	s.wall = time.Since(began)
	if r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		s.cpu = time.Duration(r.Utime.Nano() + r.Stime.Nano())
	}
	if c.warm {
		_, err = fmt.Sscan(out.String(), &s.wall, &s.cpu)
	}
	return s, err
}

// median is in milliseconds.
func median(list []sample, of func(sample) time.Duration) float64 {
	var values []float64
	for _, s := range list {
		values = append(values, of(s).Seconds()*1000)
	}
	slices.Sort(values)
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}
