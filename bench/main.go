// Command bench measures dialtone serve beside other servers, in one run.
//
//	make bench                                   everything, about five minutes
//	cd bench && go run . -short                  a first look, about one minute
//	cd bench && go run . -rows 'udp|4KiB' -v     some rows, with every round
//
// # Reading the table
//
// Each server has CPU 0 for itself and the generator has the last CPU. Servers
// take turns in short rounds, and a cell is the median of its rounds: so what
// else the machine does falls on all of them. Absolute figures mean little
// elsewhere; the ratios at the right are what counts.
//
//   - Upper-case rows: thousand requests per second [server CPU in µs per
//     request]. A star says that the server had idle time, so that the figure
//     is the generator's or the latency's rather than the server's limit.
//   - A tilde says that other programs kept a CPU busy during every try: such
//     throughput means little, and the ratios of that row compare the server's
//     CPU per request. Run it again on a calm machine.
//   - Connections that come and go: thousand connections per second [server
//     CPU in µs per connection]. The CPU is what is compared; less is better.
//   - Idle connections: KiB by which the server's memory grew per connection,
//     after each one was answered once and memory had settled. Less is better.
//
// "C epoll" does the least that a server can do; it is the limit, not a rival.
// The best Go peer is the better one of the Go servers that were measured. Every
// byte of every answer is compared; a server that answers wrongly gets no figure.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"regexp"
	"strings"
	"time"

	"dialtone/bench/report"
)

func main() { report.Main("bench", run) }

// plan is what one run does.
type plan struct {
	rows   []row
	peers  []peer
	warm   time.Duration // before each round
	time   time.Duration // of each round
	rounds int
	scale  int // idle connections are divided by it
	say    func(format string, args ...any)
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	dialtone := flags.String("dialtone", "../bin/dialtone", "the dialtone `binary`")
	extra := flags.String("serve", "", "further `flags` for dialtone serve, such as '--log off'")
	rows := flags.String("rows", "", "only rows whose name matches this `regexp`; -list shows the names")
	peers := flags.String("peers", "epoll,plain,netpoll,ncat,socat,dialtone", "servers to run, of these and plain64")
	list := flags.Bool("list", false, "list the rows and exit")
	short := flags.Bool("short", false, "one short round each, and a fifth of the idle connections")
	verbose := flags.Bool("v", false, "print every round on standard error")
	p := plan{warm: 150 * time.Millisecond, scale: 1, say: func(string, ...any) {}}
	flags.DurationVar(&p.time, "time", 500*time.Millisecond, "length of a round")
	flags.IntVar(&p.rounds, "rounds", 3, "rounds per cell")
	if err := flags.Parse(args); err != nil {
		return err
	}
	match, err := regexp.Compile(*rows)
	if err != nil {
		return fmt.Errorf("-rows: %w", err)
	}
	for _, r := range serveRows() {
		if *list {
			fmt.Printf("%-20s %s\n", r.name, r.title)
		}
		if match.MatchString(r.name) {
			p.rows = append(p.rows, r)
		}
	}
	if *list {
		return nil
	}
	if *short {
		p.time, p.rounds, p.scale = p.time/3, 1, 5
	}
	if *verbose {
		p.say = log.Printf
	}
	return p.measureAll(ctx, strings.Split(*peers, ","), append([]string{*dialtone, "serve"}, strings.Fields(*extra)...))
}

// measureAll builds what is needed, measures row by row and prints the table.
func (p plan) measureAll(ctx context.Context, names, dialtone []string) error {
	dir, err := os.MkdirTemp("", "dialtone-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	h, err := newHall(ctx, dir)
	if err != nil {
		return err
	}
	known := allPeers(dir, dialtone...)
	for _, name := range names {
		peer, ok := known[name]
		if !ok {
			return fmt.Errorf("no peer is called %q", name)
		}
		p.peers = append(p.peers, peer)
	}
	fmt.Println(h.describe(p))
	t := table{peers: p.peers}
	for i, r := range p.rows {
		fmt.Fprintf(os.Stderr, "%d/%d %s\n", i+1, len(p.rows), r.title)
		t.add(r, h.measure(ctx, p, r))
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	fmt.Print(t.String())
	return nil
}
