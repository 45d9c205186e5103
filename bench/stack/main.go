//go:build linux

// Command stack measures our own TCP/IP beside gVisor's netstack and beside the kernel,
// in one run.
//
//	make bench-stack                          everything, about four minutes
//	cd bench/stack && go run . -short         a first look
//	cd bench/stack && go run . -v -only bulk  one row, with every round
//
// # Reading the table
//
// Both ends are in one process, which is made anew for each cell; contenders take turns,
// and a cell is the median of the rounds. CPU is what the process used, user and system,
// and what the machine spent in software interrupts meanwhile, in which the kernel does
// half of its work: nothing else should run. The line is a function call for netstack
// (its pipe, which has checksums in software) and for us (link/sim); for the kernel it
// is a veth cable between two namespaces with its offloads off, which needs root and
// ethtool; where single bytes and connections are counted, its loopback interface.
// Super-segments are of 64 KiB: netstack's own segmentation over its veth without
// checksums, the kernel's over a veth with offloads, and our segments on a link whose MTU
// is 65535, with checksums. The goodput rows are over the same simulated line for all:
// 50 Mbit/s, 40 ms, a queue of 100 ms.
package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"dialtone/bench/report"
)

func main() { report.Main("stack", command) }

// plan is what one run does.
type plan struct {
	rounds int
	scale  float64 // of every row's work
	only   *regexp.Regexp
	say    func(format string, args ...any)
	found  map[string]map[string]figures // by row and contender
	mu     sync.Mutex
}

func command(ctx context.Context, args []string) error {
	p := plan{say: func(string, ...any) {}, found: map[string]map[string]figures{}}
	flags := flag.NewFlagSet("stack", flag.ContinueOnError)
	worker := flags.String("worker", "", "measure the `contender` in this process, and say it as JSON")
	only := flags.String("only", "", "only rows whose name matches this `regexp`")
	profile := flags.String("profile", "", "with -worker: write a CPU profile to this `file`, and one of allocations to file.allocs")
	short := flags.Bool("short", false, "one round, a tenth of the work")
	verbose := flags.Bool("v", false, "print every round on standard error")
	write := flags.String("write", "", "also write the table into this `file`, between its markers")
	flags.IntVar(&p.rounds, "rounds", 3, "of each cell")
	flags.Float64Var(&p.scale, "scale", 1, "of the work: 1 is a GiB, 20,000 connections, 30 seconds")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *worker != "" {
		return profiled(*profile, func() error { return work(ctx, *worker, flags.Arg(0), p.scale) })
	}
	if *short {
		p.rounds, p.scale = 1, p.scale/10
	}
	if *verbose {
		p.say = log.Printf
	}
	var err error
	if p.only, err = regexp.Compile(*only); err != nil {
		return err
	}
	if err := run("./prepare"); err != nil {
		log.Print(err)
	}
	text := fmt.Sprintf("%s; median of %d rounds.\n\n", report.Machine(), p.rounds)
	if err := p.measure(ctx); err != nil {
		return err
	}
	text += p.table()
	fmt.Print(text)
	if *write == "" {
		return nil
	}
	return report.Insert(*write, "make bench-stack", text)
}

// work is a worker: one row of one contender.
func work(ctx context.Context, name, rowName string, scale float64) error {
	c, err := contenderOf(name)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(rows, func(r row) bool { return r.name == rowName })
	if at < 0 {
		return fmt.Errorf("there is no row %q", rowName)
	}
	pair, err := c.open(rows[at].place)
	if err != nil {
		return err
	}
	found, err := rows[at].measure(ctx, pair, scale)
	if err != nil {
		pair.close()
		return err
	}
	err = json.NewEncoder(os.Stdout).Encode(found)
	pair.close()
	return err
}

// measure runs the rows that keep a processor busy one after the other, and those that
// wait for a line all at once.
func (p *plan) measure(ctx context.Context) error {
	var group sync.WaitGroup
	for _, r := range rows {
		if !p.only.MatchString(r.name) || r.place.line != nil {
			continue
		}
		rounds := p.rounds
		if r.once {
			rounds = 1
		}
		for round := range rounds {
			for i := range contenders {
				p.cell(ctx, r, contenders[(i+round)%len(contenders)])
			}
		}
	}
	for _, r := range rows {
		if p.only.MatchString(r.name) && r.place.line != nil {
			for _, c := range contenders {
				group.Go(func() { p.cell(ctx, r, c) })
			}
		}
	}
	group.Wait()
	return ctx.Err()
}

// cell has a worker measure, and keeps the rounds.
func (p *plan) cell(ctx context.Context, r row, c contender) {
	if ctx.Err() != nil || r.place.tap != noTap && c.name == "linux" {
		return
	}
	limit, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(limit, os.Args[0], "-worker", c.name, "-scale", fmt.Sprint(p.scale), r.name)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if r.place.lo && c.name == "linux" {
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	}
	if err := cmd.Run(); err != nil {
		log.Printf("%s of %s: %v: %s", r.name, c.name, err, strings.TrimSpace(stderr.String()))
		return
	}
	var found figures
	if err := json.Unmarshal(out.Bytes(), &found); err != nil {
		log.Printf("%s of %s: %v: %s", r.name, c.name, err, &out)
		return
	}
	p.say("%-9s %-9s %v", r.name, c.name, found)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found[r.name] == nil {
		p.found[r.name] = map[string]figures{}
	}
	kept := p.found[r.name][c.name]
	if kept == nil {
		kept = figures{}
		p.found[r.name][c.name] = kept
	}
	for name, v := range found {
		kept[fmt.Sprintf("%s %d", name, len(kept))] = v
	}
}

// of is the median of a figure; 0 for none.
func (p *plan) of(rowName, contender, figure string) float64 {
	var all []float64
	for name, v := range p.found[rowName][contender] {
		if strings.HasPrefix(name, figure+" ") {
			all = append(all, v)
		}
	}
	if len(all) == 0 {
		return 0
	}
	slices.SortFunc(all, cmp.Compare)
	return all[len(all)/2]
}
