package main

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"dialtone/app/escape"
	"dialtone/observe/sockets"
)

// column is one of the table. Its cell's text is appended to a buffer, so that a table
// of many thousands is written at once; what is not known is "-".
type column struct {
	name, about string
	append      func(b []byte, s *sockets.Socket) []byte
	number      func(s *sockets.Socket) int64  // what it is sorted by, largest first; or
	order       func(a, b *sockets.Socket) int // how it is sorted
	wants       func(q *sockets.Query)         // what must be read for it; nil: nothing
}

// needs asks for what c shows.
func (c *column) needs(q *sockets.Query) {
	if c.wants != nil {
		c.wants(q)
	}
}

func (c *column) compare(a, b *sockets.Socket) int {
	if c.number != nil {
		return cmp.Compare(c.number(b), c.number(a))
	}
	return c.order(a, b)
}

// key is a number for s by which most rows are in order already; those of one number are
// compared.
func (c *column) key(s *sockets.Socket) uint64 {
	switch {
	case c.number != nil:
		return ^(uint64(c.number(s)) ^ 1<<63) // the largest first
	case c.name == "":
		return usualKey(s)
	}
	return 0
}

func wantsInfo(q *sockets.Query)       { q.Info = true }
func wantsMemory(q *sockets.Query)     { q.Memory = true }
func wantsOwners(q *sockets.Query)     { q.Owners = true }
func wantsCongestion(q *sockets.Query) { q.Congestion = true }

// sheetColumns are all there are, in the order of the help.
var sheetColumns = []*column{
	{
		name: "proto", about: "tcp, udp, unix", append: func(b []byte, s *sockets.Socket) []byte { return append(b, s.Network...) },
		order: func(a, b *sockets.Socket) int { return cmp.Compare(a.Network, b.Network) },
	},
	{name: "state", about: "TCP state", append: func(b []byte, s *sockets.Socket) []byte { return append(b, s.State.String()...) }, order: byState},
	{
		name: "local", about: "address and port here; * is every address", append: appendLocal,
		order: func(a, b *sockets.Socket) int { return a.Local.Compare(b.Local) },
	},
	{
		name: "remote", about: "address and port of the other end", append: appendRemote,
		order: func(a, b *sockets.Socket) int { return a.Remote.Compare(b.Remote) },
	},
	{name: "age", about: "how long in this state; + is at least", append: appendAge, number: func(s *sockets.Socket) int64 { age, _ := s.Age(); return int64(age) }, wants: wantsInfo},
	numeric("recv", "bytes to read; of a listener: connections to accept", nil, func(s *sockets.Socket) (int64, bool) { return int64(s.RecvQueue), true }),
	numeric("send", "bytes to acknowledge; of a listener: how many may wait", nil, func(s *sockets.Socket) (int64, bool) { return int64(s.SendQueue), true }),
	span("rtt", "round-trip time, smoothed", func(i *sockets.Info) time.Duration { return i.RTT.Smooth }),
	span("rttvar", "its variance", func(i *sockets.Info) time.Duration { return i.RTT.Variance }),
	span("minrtt", "the least of the last minutes", func(i *sockets.Info) time.Duration { return i.RTT.Least }),
	span("rto", "retransmission timeout", func(i *sockets.Info) time.Duration { return i.RTT.Timeout }),
	figure("cwnd", "congestion window, segments", func(i *sockets.Info) int64 { return int64(i.Windows.Congestion) }),
	{
		name: "ssthresh", about: "where slow start ends, segments", append: appendThreshold, wants: wantsInfo,
		number: func(s *sockets.Socket) int64 {
			return infoOf(s, func(i *sockets.Info) int64 { return int64(i.Windows.Threshold) })
		},
	},
	figure("flight", "segments sent and not acknowledged", func(i *sockets.Info) int64 { return int64(i.Flight.Unacked) }),
	figure("window", "what the peer has room for, bytes", func(i *sockets.Info) int64 { return int64(i.Windows.Peer) }),
	figure("mss", "largest segment, bytes", func(i *sockets.Info) int64 { return int64(i.Sizes.Send) }),
	figure("retrans", "segments sent again", func(i *sockets.Info) int64 { return int64(i.Counts.Retransmitted) }),
	figure("sent", "bytes", func(i *sockets.Info) int64 { return int64(i.Counts.BytesSent) }),
	figure("received", "bytes", func(i *sockets.Info) int64 { return int64(i.Counts.BytesReceived) }),
	figure("pacing", "bytes a second", func(i *sockets.Info) int64 { return int64(min(i.Rates.Pacing, 1<<62)) }),
	figure("delivery", "bytes a second, measured", func(i *sockets.Info) int64 { return int64(min(i.Rates.Delivery, 1<<62)) }),
	span("busy", "time with something to send", func(i *sockets.Info) time.Duration { return i.Times.Busy }),
	span("rwndlim", "of it: the peer had no room", func(i *sockets.Info) time.Duration { return i.Times.WindowLimited }),
	span("sndlim", "of it: the send buffer was too small", func(i *sockets.Info) time.Duration { return i.Times.BufferLimited }),
	{
		name: "cc", about: "congestion control", append: func(b []byte, s *sockets.Socket) []byte { return orDash(b, s.Congestion) },
		order: func(a, b *sockets.Socket) int { return cmp.Compare(a.Congestion, b.Congestion) }, wants: wantsCongestion,
	},
	{name: "timer", about: "what it waits for at most", append: appendTimer, number: func(s *sockets.Socket) int64 { return int64(s.Timer.Left) }},
	numeric("memory", "of the kernel, bytes", wantsMemory, func(s *sockets.Socket) (int64, bool) {
		if s.Memory == nil {
			return 0, false
		}
		return int64(s.Memory.Receive) + int64(s.Memory.Queued), true
	}),
	{name: "user", about: "who made it", append: appendUser, order: func(a, b *sockets.Socket) int { return cmp.Compare(a.UID, b.UID) }},
	{name: "process", about: "who has it open", append: appendProcess, order: byProcess, wants: wantsOwners},
	numeric("inode", "as in /proc/PID/fd", nil, func(s *sockets.Socket) (int64, bool) { return int64(s.Inode), s.Inode != 0 }),
	numeric("cookie", "no other socket has it", nil, func(s *sockets.Socket) (int64, bool) { return int64(s.Cookie), true }),
	{
		name: "interface", about: "that it is bound to", append: func(b []byte, s *sockets.Socket) []byte { return orDash(b, escape.String(s.Interface)) },
		order: func(a, b *sockets.Socket) int { return cmp.Compare(a.Interface, b.Interface) },
	},
}

// usualColumns are shown unless others are asked for; those that say least come first
// in spareColumns, which a narrow terminal leaves out.
var (
	usualColumns = []string{"proto", "state", "local", "remote", "age", "recv", "send", "rtt", "retrans", "process"}
	spareColumns = []string{"cwnd", "retrans", "proto", "age", "rtt", "send", "recv", "process"}
)

func columnNames() (names []string) {
	for _, c := range sheetColumns {
		names = append(names, c.name)
	}
	return names
}

func findColumn(name string) *column {
	for _, c := range sheetColumns {
		if c.name == name {
			return c
		}
	}
	return nil
}

func writeColumnHelp(w io.Writer) error {
	for _, c := range sheetColumns {
		if _, err := fmt.Fprintf(w, "%-10s %s\n", c.name, c.about); err != nil {
			return err
		}
	}
	return nil
}

// chosen are the columns of the table.
func (f *watchFlags) chosen() (list []*column) {
	names := strings.FieldsFunc(f.columns, isComma)
	switch {
	case f.json:
		return nil
	case len(names) == 0:
		names = usualColumns
	}
	for _, name := range names {
		list = append(list, findColumn(name))
	}
	return list
}

// sorter is the column to sort by.
func (f *watchFlags) sorter() *column {
	if c := findColumn(strings.TrimPrefix(f.sort, "-")); c != nil {
		return c
	}
	return &column{order: usualOrder}
}

// usualOrder is by network, state and addresses, ports first.
func usualOrder(a, b *sockets.Socket) int {
	return cmp.Or(cmp.Compare(usualKey(a), usualKey(b)), a.Local.Compare(b.Local), a.Remote.Compare(b.Remote), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Cookie, b.Cookie))
}

func usualKey(s *sockets.Socket) uint64 {
	network := uint64(len(s.Network)) // of unix, unixgram and unixpacket, as they are sorted
	switch s.Network {
	case "tcp":
		network = 0
	case "udp":
		network = 1
	}
	return network<<40 | uint64(s.State)<<32 | uint64(s.Local.Port())<<16 | uint64(s.Remote.Port())
}

func byState(a, b *sockets.Socket) int { return cmp.Compare(a.State, b.State) }

func byProcess(a, b *sockets.Socket) int {
	switch {
	case len(a.Processes) == 0 || len(b.Processes) == 0:
		return cmp.Compare(len(b.Processes), len(a.Processes))
	}
	return cmp.Or(cmp.Compare(a.Processes[0].Name, b.Processes[0].Name), cmp.Compare(a.Processes[0].PID, b.Processes[0].PID))
}

// numeric is a column of numbers, of those sockets that have one.
func numeric(name, about string, wants func(*sockets.Query), of func(*sockets.Socket) (int64, bool)) *column {
	return &column{
		name: name, about: about, wants: wants,
		number: func(s *sockets.Socket) int64 { n, _ := of(s); return n },
		append: func(b []byte, s *sockets.Socket) []byte {
			if n, ok := of(s); ok {
				return strconv.AppendInt(b, n, 10)
			}
			return append(b, '-')
		},
	}
}

// figure is a numeric column of connections.
func figure(name, about string, of func(*sockets.Info) int64) *column {
	return numeric(name, about, wantsInfo, func(s *sockets.Socket) (int64, bool) { return infoOf(s, of), s.Info != nil })
}

func infoOf(s *sockets.Socket, of func(*sockets.Info) int64) int64 {
	if s.Info == nil {
		return 0
	}
	return of(s.Info)
}

// span is a column of times of connections.
func span(name, about string, of func(*sockets.Info) time.Duration) *column {
	return &column{
		name: name, about: about, wants: wantsInfo,
		number: func(s *sockets.Socket) int64 { return infoOf(s, func(i *sockets.Info) int64 { return int64(of(i)) }) },
		append: func(b []byte, s *sockets.Socket) []byte {
			if s.Info == nil || of(s.Info) == 0 {
				return append(b, '-')
			}
			return appendSpan(b, of(s.Info))
		},
	}
}
