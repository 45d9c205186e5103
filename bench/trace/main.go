//go:build linux

// Command trace measures what dialtone trace is made of beside its peers, in one
// run.
//
//	make bench-trace                          everything, about two minutes
//	cd bench && go run ./trace -short         a first look
//	cd bench && go run ./trace -v -only flow  one contender, with every round
//
// # Reading the tables
//
// The capture is made here, the same every time: Ethernet, IPv4 and one conversation
// in ten IPv6, pages and bulk downloads and uploads and questions over UDP, with one
// data segment in 400 lost and sent again, whole, and as tcpdump -s 128 would have
// captured it, where less time goes by until the memory has handed the bytes over. It
// lies in memory (/dev/shm). Everybody reads the same file in a process of its own,
// held on one CPU, from the start of the process to its end; contenders take turns,
// and a cell is the median of the rounds. Rates are packets a second of the processor,
// user and system, so that a busy machine spoils them less. Memory is the peak of the process's own:
// pages of a mapped file are not in it. tshark, which takes long, has one round.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"

	"dialtone/bench/report"
)

func main() { report.Main("trace", command) }

// plan is what one run does.
type plan struct {
	dialtone string // the binary
	self     string // this one
	dir      string // of the captures
	packets  int
	rounds   int
	cpu      int // that contenders are held on
	only     *regexp.Regexp
	say      func(format string, args ...any)
}

// headersOnly is how many bytes of a packet hold all its headers here.
const headersOnly = 128

func (p *plan) path(name string) string { return filepath.Join(p.dir, name) }

func command(ctx context.Context, args []string) error {
	p := plan{say: func(string, ...any) {}, cpu: runtime.NumCPU() - 1}
	flags := flag.NewFlagSet("trace", flag.ContinueOnError)
	binary := flags.String("dialtone", "../bin/dialtone", "the dialtone `binary`")
	worker := flags.String("worker", "", "be the contender of that `kind`")
	only := flags.String("only", "", "only contenders, or the tables first and live, whose name matches this `regexp`")
	short := flags.Bool("short", false, "one round, a tenth of the packets")
	verbose := flags.Bool("v", false, "print every round on standard error")
	install := flags.Bool("install", true, "fetch peers that are missing")
	write := flags.String("write", "", "also write the tables into this `file`, between its markers")
	capture := flags.String("generate", "", "write the capture to this `file`, and nothing else")
	snap := flags.Int("snap", 0, "with -generate: `bytes` of each packet, 0 for all")
	flags.IntVar(&p.packets, "packets", 1_000_000, "of the capture")
	flags.IntVar(&p.rounds, "rounds", 5, "of each contender")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *worker != "" {
		return work(ctx, *worker, flags.Arg(0))
	}
	if *short {
		p.packets, p.rounds = p.packets/10, 1
	}
	if *capture != "" {
		_, err := generate(*capture, p.packets, *snap)
		return err
	}
	if *verbose {
		p.say = log.Printf
	}
	if *install {
		fetchPeers(ctx)
	}
	var err1, err2, err3 error
	p.only, err1 = regexp.Compile(*only)
	p.dialtone, err2 = filepath.Abs(*binary)
	p.self, err3 = os.Executable()
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	text, err := p.measure(ctx)
	if err != nil || *write == "" {
		return err
	}
	return report.Insert(*write, "make bench-trace", text)
}

// fetchPeers installs what is missing; what it could not is said where it lacks.
func fetchPeers(ctx context.Context) {
	cmd := exec.CommandContext(ctx, "./trace/prepare")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		log.Printf("prepare: %v", err)
	}
}

// measure prints each table as soon as it is there, returns them all, and leaves
// nothing behind.
func (p *plan) measure(ctx context.Context) (all string, err error) {
	if p.dir, err = os.MkdirTemp("/dev/shm", "trace-bench-"); err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(p.dir)) }()
	show := func(text string) {
		fmt.Print(text)
		all += text
	}
	show(fmt.Sprintf("%s; median of %d rounds.\n\n", report.Machine(), p.rounds))
	for _, snap := range []int{headersOnly, 0} {
		show(p.reading(ctx, snap))
	}
	if p.only.MatchString("first") && ctx.Err() == nil {
		show(p.first(ctx))
	}
	if p.only.MatchString("live") && ctx.Err() == nil {
		show(p.live(ctx))
	}
	return all, ctx.Err()
}
