//go:build linux

// Command transfer measures dialtone send and receive beside their peers, in
// one run.
//
//	make bench-transfer                              everything, about twenty minutes
//	cd bench && go run ./transfer -short             a first look, two minutes
//	cd bench && go run ./transfer -scenes 'tree' -v  some tables, with every round
//	cd bench && go run ./transfer -write ../doc/benchmarks.md
//
// # Reading the tables
//
// MB/s is 10^6 bytes of files a second, from the start of the command to the end
// of the last of both ends. CPU s/GiB is user and system time of all processes of
// both ends for each GiB of files. Memory is the peak resident set of the biggest
// process of an end. The first round of every cell is compared byte by byte;
// a cell is the median of its rounds, in which the contenders take turns.
//
// Loopback is that of a network namespace of its own. The long and lossy paths
// are the user-space cable of package cable, between two namespaces. All use
// cubic, Linux's default, unless a program asks for something else by itself.
// "cut" means stopped at the limit of time; the rate is then that of the bytes
// that had crossed the cable.
//
// What takes part and cannot be had is a row that says why.
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
	"strings"

	"dialtone/bench/report"
)

func main() { report.Main("transfer", run) }

// plan is what one run does.
type plan struct {
	yard   *yard
	scenes *regexp.Regexp
	peers  *regexp.Regexp
	rounds int // on loopback
	far    int // through the cable
	many   int // files of the tree of very many
	scale  scale
	say    func(format string, args ...any)
}

func (p plan) roundsOf(s *scene) int {
	if s.path != nil {
		return p.far
	}
	return p.rounds
}

func run(ctx context.Context, args []string) error {
	p := plan{scale: scale{part: 1}, say: func(string, ...any) {}}
	flags := flag.NewFlagSet("transfer", flag.ContinueOnError)
	binary := flags.String("dialtone", "../bin/dialtone", "the dialtone `binary`")
	scenes := flags.String("scenes", "", "only tables whose name matches this `regexp`; -list shows the names")
	peers := flags.String("peers", "", "only contenders whose name matches this `regexp`")
	size := flags.Int64("size", 2048, "`MiB` of the big file")
	short := flags.Bool("short", false, "one round and an eighth of everything")
	list := flags.Bool("list", false, "list the tables and their contenders, and exit")
	verbose := flags.Bool("v", false, "print every round on standard error")
	write := flags.String("write", "", "also write the tables into this `file`, between its markers")
	install := flags.Bool("install", true, "fetch peers that are missing")
	flags.IntVar(&p.rounds, "rounds", 5, "rounds of each cell over loopback")
	flags.IntVar(&p.far, "far", 1, "rounds of each cell through the cable")
	flags.IntVar(&p.scale.files, "files", 20_000, "files of the tree")
	flags.IntVar(&p.many, "many", 1_000_000, "files of the tree of very many")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var err1, err2 error
	p.scenes, err1 = regexp.Compile(*scenes)
	p.peers, err2 = regexp.Compile(*peers)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	p.scale.file = *size << 20
	if *short {
		p.rounds, p.many, p.scale = 1, p.many/50, scale{p.scale.file / 8, p.scale.files / 8, 8}
	}
	if *verbose {
		p.say = log.Printf
	}
	if *list {
		p.list()
		return nil
	}
	path, err := filepath.Abs(*binary)
	if err != nil {
		return err
	}
	if *install {
		fetchPeers(ctx)
	}
	return p.start(ctx, path, *write)
}

func (p plan) list() {
	for _, s := range scenes(p.scale) {
		fmt.Printf("%-12s %s\n%13s%s\n", s.name, s.heading(), "", strings.Join(s.contenders, " "))
	}
	fmt.Println("extras       dialtone's targets that no peer has a figure for")
}

// fetchPeers installs what is missing; what it could not is said where it lacks.
func fetchPeers(ctx context.Context) {
	cmd := exec.CommandContext(ctx, "./transfer/prepare")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		log.Printf("prepare: %v", err)
	}
}

// start makes the yard, measures, and leaves nothing behind.
func (p plan) start(ctx context.Context, dialtone, write string) (err error) {
	p.yard, err = newYard(dialtone)
	if p.yard != nil {
		defer func() { err = errors.Join(err, p.yard.remove()) }()
	}
	if err != nil {
		return err
	}
	if err := p.yard.build(ctx); err != nil {
		return err
	}
	text := p.measureAll(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if write == "" {
		return nil
	}
	return report.Insert(write, "make bench-transfer", text)
}

// measureAll prints each table as soon as it is there, and returns them all.
func (p plan) measureAll(ctx context.Context) string {
	var all strings.Builder
	show := func(text string) {
		fmt.Print(text)
		all.WriteString(text)
	}
	show(fmt.Sprintf("%s; median of %d rounds, %d through the cable.\n\n", report.Machine(), p.rounds, p.far))
	for _, s := range scenes(p.scale) {
		if !p.scenes.MatchString(s.name) || ctx.Err() != nil {
			continue
		}
		fmt.Fprintln(os.Stderr, s.heading())
		show(p.table(ctx, s))
	}
	if p.scenes.MatchString("extras") && p.peers.MatchString("dialtone") && ctx.Err() == nil {
		show(p.extras(ctx))
	}
	return all.String()
}

// table is one scene from making its load to its report.
func (p plan) table(ctx context.Context, s *scene) string {
	if err := s.open(p.yard); err != nil {
		return fmt.Sprintf("### %s\n\nnot available: %v\n\n", s.heading(), err)
	}
	defer s.ends.close()
	text := s.report(s.measure(ctx, p))
	if s.path != nil { // loads of loopback are used again
		os.RemoveAll(p.yard.path("src", s.load.name))
	}
	return text
}
