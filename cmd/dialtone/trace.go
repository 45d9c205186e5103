package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// traceFlags is what the command line of trace says.
type traceFlags struct {
	iface       string
	promiscuous bool
	count       int64

	list, json, follow bool
	layers             int64
	out                string

	expand, why, absolute, ascii bool
	width                        int

	write, svg, html string
}

func newTraceCommand() *cobra.Command {
	f := &traceFlags{}
	cmd := &cobra.Command{
		Use:   "trace [FILE | -i INTERFACE] [FILTER...] [flags]",
		Short: "Show what conversations did on the wire, packet by packet, and why",
		Long: `Trace draws conversations as ladders: time from top to bottom, an end on either
side, an arrow for each packet, the TCP state of each end where it changes, and
in words what a packet means: a retransmission and why, a window that is full,
who closed first. FILE is a pcap or pcapng file, also packed by gzip or zstd; -
is the standard input. With -i it is what passes through an interface now, until
Ctrl-C.

On an arrow a number stands behind the flag that it is about, counted from the
beginning of the conversation: "PSH 1:13 ACK 5" carries the bytes from 1 up to
13, not included, and expects byte 5 next; "win" is how much its sender has room
for. Before it stand the frame's number in the capture and the seconds since the
conversation's first packet.

FILTER has tcpdump's words: host, net, port, portrange, src, dst, tcp, udp,
icmp, arp, ip, ip6, vlan, ether host, less, greater, and, or, not; and four that
ask what a conversation did:
  stream N         it is number N of the list
  state WORD       an end is in this TCP state: established, time-wait
  label WORD       the packet has this label: retransmission, zero-window
  closed-by WORD   who or what closed it: client, server, fin, rst`,
		Example: `  dialtone trace -i lo port 8000
  dialtone trace capture.pcapng host 192.0.2.7 and tcp --why
  dialtone trace capture.pcapng --list closed-by rst
  dialtone trace capture.pcapng --layers 4
  dialtone trace capture.pcapng --html trace.html`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	f.define(cmd)
	return cmd
}

func (f *traceFlags) define(cmd *cobra.Command) {
	flagGroup(cmd, "What to look at", func(fs *pflag.FlagSet) {
		fs.StringVarP(&f.iface, "interface", "i", "", "capture on this `INTERFACE`; any is all of them")
		fs.BoolVar(&f.promiscuous, "promiscuous", false, "capture what is sent to other machines too")
		fs.Int64Var(&f.count, "count", 0, "stop after `N` frames that the filter wants; 0 goes on to the end")
	})
	flagGroup(cmd, "What to show", func(fs *pflag.FlagSet) {
		fs.BoolVar(&f.list, "list", false, "a table of conversations")
		fs.Int64Var(&f.layers, "layers", 0, "the layers of frame `N`: every field beside its bytes")
		fs.BoolVar(&f.follow, "follow", false, "what both ends said, put together as the receiver would")
		fs.StringVar(&f.out, "out", "", "with --follow: a file for each direction, in this `FOLDER`")
		fs.BoolVar(&f.json, "json", false, "one JSON object a line for each packet, with --list for each conversation")
	})
	flagGroup(cmd, "Ladders", func(fs *pflag.FlagSet) {
		fs.BoolVar(&f.why, "why", false, "the reason beneath each label: rule, frames, figures, RFC")
		fs.BoolVar(&f.expand, "expand", false, "every packet: long runs are not folded into a line")
		fs.BoolVar(&f.absolute, "absolute", false, "times of day, instead of seconds since the first packet")
		fs.BoolVar(&f.ascii, "ascii", false, "draw with ASCII characters only")
		fs.IntVar(&f.width, "width", 0, "draw for `N` columns, instead of what the terminal has")
	})
	flagGroup(cmd, "Files to write", func(fs *pflag.FlagSet) {
		fs.StringVar(&f.write, "write", "", "the frames, into a pcapng `FILE`, with the labels as comments")
		fs.StringVar(&f.svg, "svg", "", "the ladder of one conversation, as an SVG picture in this `FILE`")
		fs.StringVar(&f.html, "html", "", "a page in this `FILE`: ladders, graphs, every packet's layers and bytes")
	})
}

// check finds flags that contradict each other.
func (f *traceFlags) check() error {
	var shown []string
	for _, x := range []struct {
		set  bool
		name string
	}{{f.list, "--list"}, {f.layers != 0, "--layers"}, {f.follow, "--follow"}} {
		if x.set {
			shown = append(shown, x.name)
		}
	}
	switch {
	case len(shown) > 1:
		return usage("leave one of them out", "%s are different things to show", strings.Join(shown, " and "))
	case f.json && (f.follow || f.layers != 0):
		return usage("leave one of them out", "%s has no JSON form", shown[0])
	case f.out != "" && !f.follow:
		return usage("add --follow", "--out is where --follow writes")
	case f.layers < 0:
		return usage("frames are counted from 1, as the ladder shows them", "--layers %d is no frame", f.layers)
	case f.count < 0:
		return usage("write how many frames, or 0 for all", "--count %d is negative", f.count)
	case f.width != 0 && f.width < 72:
		return usage("a ladder needs 72 columns", "--width %d is too narrow", f.width)
	case f.iface != "" && f.layers != 0:
		return usage("capture into a file first: --write FILE", "--layers goes back to a frame, which a live capture cannot")
	}
	return f.checkOutputs(shown)
}
