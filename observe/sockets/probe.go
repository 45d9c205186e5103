package sockets

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// Sample is what a connection's window was at a time.
type Sample struct {
	At         time.Time
	Congestion uint32        // cwnd, segments
	Threshold  uint32        // ssthresh, segments; NoThreshold before the first loss
	InFlight   uint32        // sent and not acknowledged, bytes
	Peer       uint32        // what the peer has room for, bytes
	Own        uint32        // what we have room for, bytes; 0 where not known
	MSS        uint32        // of a segment, bytes
	RTT        time.Duration // smoothed
}

// Sample is the window in i, which was read at a time. The zero Sample is one of no
// connection.
func (i *Info) Sample(at time.Time) Sample {
	return Sample{
		At: at, Congestion: i.Windows.Congestion, Threshold: i.Windows.Threshold, InFlight: i.inFlight(),
		Peer: i.Windows.Peer, Own: i.Windows.Own, MSS: i.Sizes.Send, RTT: i.RTT.Smooth,
	}
}

// inFlight is in bytes. The kernel counts segments, of which the last may be short, and
// bytes, among which a SYN or FIN may be.
func (i *Info) inFlight() uint32 {
	segments := uint64(i.Flight.Unacked) * uint64(i.Sizes.Send)
	c := i.Counts
	bytes := int64(c.BytesSent) - int64(c.BytesRetransmitted) - int64(c.BytesAcked)
	if c.BytesSent == 0 { // an old kernel
		bytes = int64(segments)
	}
	return uint32(min(uint64(max(0, bytes)), segments))
}

// A Probe samples the window of one connection. It is for one goroutine at a time.
type Probe interface {
	// Read hands on samples as they come, until a time.
	Read(until time.Time, each func(Sample)) error
	// Sampled says where they come from.
	Sampled() Sampled
	Close() error
}

// Sampled says where samples come from, for people.
type Sampled struct {
	Name  string // "tcp_probe" or "TCP_INFO"
	About string // when there is one, and why none better
}

// The names of probes, the better one first.
const (
	TracedProbe = "tcp_probe"
	AskedProbe  = "TCP_INFO"
)

// askEvery is the time between two questions for TCP_INFO.
const askEvery = 100 * time.Millisecond

// OpenProbe begins to sample the connection in a row of a Table of the same Config: each
// time the kernel's tracepoint tcp_probe passes, which is when a segment arrives, or by asking for
// TCP_INFO where that is not allowed.
func OpenProbe(c Config, row *Socket) (Probe, error) {
	traced, denied := openProbed(row)
	if denied == nil {
		return traced, nil
	}
	return openAsked(c, row, denied)
}

// asked is the probe that asks for TCP_INFO.
type asked struct {
	table  *Table
	row    Socket
	denied error
	next   time.Time
}

func openAsked(c Config, row *Socket, denied error) (Probe, error) {
	table, err := Open(c)
	if err != nil {
		return nil, err
	}
	return &asked{table: table, row: copied(row), denied: denied}, nil
}

func (p *asked) Close() error { return p.table.Close() }

func (p *asked) Sampled() Sampled {
	about := fmt.Sprintf("every %v", askEvery)
	switch {
	case errors.Is(p.denied, os.ErrPermission):
		about += "; root would see each segment that arrives"
	case p.denied != nil:
		about += "; not each segment that arrives: " + p.denied.Error()
	}
	return Sampled{Name: AskedProbe, About: about}
}

func (p *asked) Read(until time.Time, each func(Sample)) error {
	for {
		time.Sleep(time.Until(soonest(until, p.next)))
		now := time.Now()
		if now.Before(p.next) {
			return nil
		}
		p.next = now.Add(askEvery)
		s, err := p.table.Find(p.row.Local, p.row.Remote, true)
		if err != nil {
			return err
		}
		if s != nil && s.Cookie == p.row.Cookie && s.Info != nil {
			each(s.Info.Sample(now))
		}
	}
}
