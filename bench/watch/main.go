//go:build linux

// Command watch measures dialtone watch beside ss, in one run.
//
//	make bench-watch                     everything, about a minute
//	cd bench && go run ./watch -short    a first look
//	cd bench && go run ./watch -v        with every round
//
// # Reading the tables
//
// In a network namespace made for it, a few processes hold 20,000 TCP sockets, both ends
// of connections on the loopback device. Programs that print them take turns, each in a
// process of its own from its start to its end, with its output thrown away; a cell is the
// median of the rounds. What each prints is counted once before: a program that leaves
// sockets out has no figure. It takes root.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"runtime"

	"dialtone/bench/report"

	"golang.org/x/sys/unix"
)

func main() { report.Main("watch", command) }

// plan is what one run does.
type plan struct {
	dialtone, self string // programs
	sockets        int
	holders        int // processes that have them open
	rounds         int
	churn          int // connections
	say            func(format string, args ...any)
}

func command(_ context.Context, args []string) error {
	p := plan{say: func(string, ...any) {}, holders: 4}
	flags := flag.NewFlagSet("watch", flag.ContinueOnError)
	binary := flags.String("dialtone", "../bin/dialtone", "the dialtone `binary`")
	worker := flags.String("worker", "", "be the worker of that `kind`")
	short := flags.Bool("short", false, "few rounds, a tenth of the sockets")
	verbose := flags.Bool("v", false, "print every round on standard error")
	write := flags.String("write", "", "also write the tables into this `file`, between its markers")
	flags.IntVar(&p.sockets, "sockets", 20_000, "TCP sockets")
	flags.IntVar(&p.rounds, "rounds", 15, "of each contender")
	flags.IntVar(&p.churn, "churn", 200_000, "connections to make while changes are counted")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *worker != "" {
		return work(*worker, flags.Arg(0), flags.Arg(1))
	}
	if *short {
		p.sockets, p.rounds, p.churn = p.sockets/10, 3, p.churn/10
	}
	if *verbose {
		p.say = log.Printf
	}
	var err1, err2 error
	p.dialtone, err1 = filepath.Abs(*binary)
	p.self, err2 = os.Executable()
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	// Children inherit the namespace of this thread.
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("make a network namespace, which takes root: %w", err)
	}
	if err := loopbackUp(); err != nil {
		return err
	}
	text, err := p.measure()
	if err != nil || *write == "" {
		return err
	}
	return report.Insert(*write, "make bench-watch", text)
}

func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	ifr.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return os.NewSyscallError("set lo up", unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr))
}

// measure prints each table as soon as it is there and returns them all.
func (p *plan) measure() (all string, err error) {
	show := func(text string) {
		fmt.Print(text)
		all += text
	}
	show(fmt.Sprintf("%s; median of %d rounds.\n\n", report.Machine(), p.rounds))
	release, err := p.hold()
	if err != nil {
		return "", err
	}
	table := p.tables()
	release()
	show(table)
	changes, err := p.changes()
	show(changes)
	return all, err
}
