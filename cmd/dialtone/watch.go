package main

import (
	"slices"
	"strings"
	"time"

	"dialtone/observe/sockets"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// watchFlags is what the command line of watch says.
type watchFlags struct {
	once, events, json bool
	unix, trouble      bool
	netns              string
	sort, columns      string
	width              int

	until   string
	timeout time.Duration
	every   time.Duration
	source  string

	web string
}

func newWatchCommand() *cobra.Command {
	f := &watchFlags{}
	cmd := &cobra.Command{
		Use:   "watch [FILTER...] [flags]",
		Short: "Show the sockets of this machine, their TCP states, figures and owners",
		Long: `Watch shows every socket of this machine: what it is connected to, in which TCP
state it is and for how long, what waits in its queues, round-trip time and
retransmissions, and which process has it open. Requests that are not accepted
yet (SYN_RCVD) and connections that are over (TIME_WAIT) are among them. Where
something is off, a sentence says what, and what it means.

On a terminal the table is live: sort it, filter as you type, go to a connection
and open it to see its transitions, its figures, the graph of its window and its
packets as they pass; ? shows the keys. With --once or --width it is printed,
and so it is where the output is no terminal, or one with TERM=dumb.

FILTER has words as trace's:
  port N, portrange N-M     of either end; behind local or remote: of that end
  host A, net A/B           the same, of addresses; host takes a net too
  tcp, udp, unix, ip, ip6   also before: tcp port 80, ip6 host ::1
  state WORD                close-wait, syn-sent, listen, time-wait, ...
  pid N, process NAME       who has it open
  user NAME                 who made it
joined by and, or, not and parentheses: port (80 or 443) and not state listen.

With --events each change of a TCP state is a line, of both ends if both are
here. The first line says where the changes come from, which depends on the
rights, and what cannot be seen there. Without root changes are found by
looking, and the owners of other users' sockets stay unknown.`,
		Example: `  dialtone watch
  dialtone watch state close-wait or state syn-sent
  dialtone watch --once --sort rtt --columns local,remote,rtt,cwnd,process
  dialtone watch --once --json host 10.0.0.0/8
  dialtone watch --events port 8000
  dialtone watch port 8000 --until 'state time-wait' --timeout 10s
  dialtone watch --web 127.0.0.1:8080`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	f.addTo(cmd)
	names := columnNames()
	complete(cmd, "sort", names...)
	complete(cmd, "columns", names...)
	complete(cmd, "source", sockets.Sources()...)
	return cmd
}

func (f *watchFlags) addTo(cmd *cobra.Command) {
	flagGroup(cmd, "What to look at", func(fs *pflag.FlagSet) {
		fs.BoolVar(&f.unix, "unix", false, "Unix sockets too; a filter that says unix needs no flag")
		fs.BoolVar(&f.trouble, "trouble", false, "only sockets that something is off with")
		fs.StringVar(&f.netns, "netns", "", "another network namespace: a `NAME` of ip netns, or a file")
	})
	flagGroup(cmd, "What to show", func(fs *pflag.FlagSet) {
		fs.BoolVar(&f.once, "once", false, "the table as it is now, and no more")
		fs.BoolVar(&f.events, "events", false, "a line for each change of a TCP state, until Ctrl-C")
		fs.StringVar(&f.until, "until", "", "wait until some socket matches this `FILTER` too, and show it")
		fs.DurationVar(&f.timeout, "timeout", 0, "with --until: give up after this time, exit code 1; 0 never does")
		fs.StringVar(&f.web, "web", "", "a live page for a browser, served at `ADDR` such as 127.0.0.1:8080;\nthe URL that is printed lets in, and :0 takes a free port of this machine")
		fs.BoolVar(&f.json, "json", false, "one JSON object a line, with every figure")
		fs.StringVar(&f.columns, "columns", "", "these columns, a `LIST` such as state,local,remote; help lists all")
		fs.StringVar(&f.sort, "sort", "", "by this `COLUMN`; -COLUMN turns it round")
		fs.IntVar(&f.width, "width", 0, "the table once, for `N` columns instead of what the terminal has")
	})
	flagGroup(cmd, "Events", func(fs *pflag.FlagSet) {
		fs.StringVar(&f.source, "source", "", "where changes come from, a `NAME` of doc/watch.md: raw tracepoint,\ntracepoint, destroy notices, looking; the best that the rights allow")
		fs.DurationVar(&f.every, "every", 500*time.Millisecond, "look at the table this often")
	})
}

// check finds flags that cannot be meant.
func (f *watchFlags) check() error {
	if err := f.checkWeb(); err != nil {
		return err
	}
	switch {
	case f.columns == "help":
		return nil
	case f.once && (f.events || f.until != ""):
		return usage("leave one of them out", "--once ends at once, --events and --until wait")
	case f.events && f.until != "":
		return usage("leave one of them out", "--until shows what it waited for, --events every change")
	case f.timeout != 0 && f.until == "":
		return usage("add --until FILTER", "--timeout is for --until")
	case f.timeout < 0 || f.every < 0:
		return usage("write a time such as 500ms or 10s", "a negative time")
	case f.source != "" && !slices.Contains(sockets.Sources(), f.source):
		return usage("there are "+strings.Join(sockets.Sources(), ", "), "there is no source %q", f.source)
	case f.width != 0 && f.width < 40:
		return usage("a table needs 40 columns", "--width %d is too narrow", f.width)
	case f.json && f.columns != "":
		return usage("leave one of them out", "--json has every column: --columns is for tables")
	}
	for _, name := range append(strings.FieldsFunc(f.columns, isComma), strings.TrimPrefix(f.sort, "-")) {
		if name != "" && findColumn(name) == nil {
			return usage("there are "+strings.Join(columnNames(), ", "), "there is no column %q", name)
		}
	}
	return nil
}

func isComma(r rune) bool { return r == ',' || r == ' ' }
