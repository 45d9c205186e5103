//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os/exec"
	"syscall"
	"time"

	"dialtone/bench/report"
	"dialtone/link/cable"
)

const (
	liveRate  = 127_000 // datagrams a second
	liveSpell = 5 * time.Second
)

// live has a flood of datagrams on lo followed as it happens, in a namespace of its
// own so that nothing else is on that lo.
func (p *plan) live(ctx context.Context) string {
	heading := fmt.Sprintf("### Live capture on lo, %s packets/s for %v, followed and labelled", report.Thousands(liveRate), liveSpell)
	sent, c, cpu, err := p.liveRun(ctx)
	if err != nil {
		return fmt.Sprintf("%s\n\nnot available: %v\n\n", heading, err)
	}
	share := 100 * cpu / liveSpell.Seconds()
	lines := [][]string{
		{"sent", "seen", "dropped", "CPU, % of a core"},
		{report.Thousands(int(sent)), report.Thousands(int(c.Packets)), report.Thousands(int(c.Dropped)), report.Digits(share)},
	}
	missing := max(c.Dropped, sent-c.Packets)
	goals := [][]string{
		{"target", "reached"},
		{"dialtone loses no packet", none(true, missing, "lost")},
		{"dialtone ≤ 5 % of a core", report.AtMost(share, 5, "%")},
	}
	return fmt.Sprintf("%s\n\n%s\n%s\n", heading, report.Grid(lines), report.Grid(goals))
}

// liveRun says how many packets were sent, what was seen of them, and the CPU
// seconds that it took to.
func (p *plan) liveRun(ctx context.Context) (sent int64, c count, cpu float64, err error) {
	space, err := cable.Open(cable.Config{})
	if err != nil {
		return 0, c, 0, err
	}
	defer space.Close()
	cmd := exec.CommandContext(ctx, p.self, "-worker", "live", "lo")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, c, 0, err
	}
	ready, err := cmd.StderrPipe()
	if err != nil {
		return 0, c, 0, err
	}
	if err := space.A.Start(cmd); err != nil {
		return 0, c, 0, err
	}
	line, err := bufio.NewReader(ready).ReadString('\n')
	if err == nil && line == "ready\n" {
		sent, err = flood(ctx, space.A)
		time.Sleep(100 * time.Millisecond) // what is still in the ring
	} else {
		err = fmt.Errorf("the capture did not begin: %s", line)
	}
	cmd.Process.Signal(syscall.SIGINT)
	if failed := json.NewDecoder(out).Decode(&c); err == nil {
		err = failed
	}
	if failed := cmd.Wait(); err == nil {
		err = failed
	}
	if r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		cpu = time.Duration(r.Utime.Nano() + r.Stime.Nano()).Seconds()
	}
	return sent, c, cpu, err
}

// flood sends datagrams from many ports at the rate, in steps of a millisecond.
func flood(ctx context.Context, end *cable.End) (sent int64, err error) {
	const ports = 100
	var to *net.UDPConn
	from := make([]*net.UDPConn, ports)
	err = end.Do(func() (err error) {
		if to, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
			return err
		}
		for i := range from {
			if from[i], err = net.DialUDP("udp4", nil, to.LocalAddr().(*net.UDPAddr)); err != nil {
				return err
			}
		}
		return nil
	})
	defer func() {
		for _, c := range append(from, to) {
			if c != nil {
				c.Close()
			}
		}
	}()
	if err != nil {
		return 0, err
	}
	text := make([]byte, 64)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); ctx.Err() == nil; <-tick.C {
		passed := time.Since(began)
		for due := int64(min(passed, liveSpell).Seconds() * liveRate); sent < due; sent++ {
			if _, err := from[sent%ports].Write(text); err != nil {
				return sent, err
			}
		}
		if passed > liveSpell {
			return sent, nil
		}
	}
	return sent, ctx.Err()
}
