package flow

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"dialtone/internet"
	"dialtone/observe/capture"
	"dialtone/transport/tcp"
)

// follower feeds a Reassembly and writes down what comes out: bytes, and gaps as [n].
type follower struct {
	*Reassembly
	said [2]strings.Builder
	talk Conversation
	n    int64
}

func follow(limit int) *follower {
	f := &follower{talk: Conversation{Protocol: internet.TCP, Opened: HowHandshake}}
	f.Reassembly = NewReassembly(limit, func(p Piece) {
		if p.Gap > 0 {
			fmt.Fprintf(&f.said[p.From], "[%d]", p.Gap)
		}
		f.said[p.From].Write(p.Data)
	})
	return f
}

func (f *follower) send(from int, seq uint32, data string, flags tcp.Flags) {
	f.n++
	f.Add(&Event{Talk: &f.talk, From: from, Seq: seq, Len: len(data), Packet: &capture.Packet{
		Record: &capture.Record{Number: f.n, Time: f.n}, HasTCP: true,
		TCP: tcp.Header{Flags: flags}, Len: len(data), Payload: []byte(data),
	}})
}

func (f *follower) ack(from int, ack uint32) {
	f.Add(&Event{Talk: &f.talk, From: from, Ack: ack, Seq: 1, Packet: &capture.Packet{
		Record: &capture.Record{Number: f.n}, HasTCP: true, TCP: tcp.Header{Flags: tcp.ACK},
	}})
}

func (f *follower) want(t *testing.T, from int, want string) {
	t.Helper()
	if got := f.said[from].String(); got != want {
		t.Errorf("end %d said %q, want %q", from, got, want)
	}
}

func TestReassemblyOrders(t *testing.T) {
	f := follow(0)
	f.send(0, 0, "", tcp.SYN)
	f.send(0, 7, "world", 0)
	f.want(t, 0, "")
	f.send(0, 1, "hello ", 0)
	f.send(0, 1, "HELLO ", 0) // again: what was read stays
	f.send(0, 12, "!", tcp.FIN)
	f.ack(1, 14)
	f.want(t, 0, "hello world!")
}

func TestReassemblyOverlapsAsLinux(t *testing.T) {
	for _, c := range []struct{ name, first, second, want string }{
		{"covered: dropped", "3abcdef", "4XY", "..abcdef"},
		{"the same: dropped", "3abc", "3XYZ", "..abc"},
		{"covers: replaces", "4bc", "3WXYZ", "..WXYZ"},
		{"begins first: counts", "4bcde", "3XYZ", "..XYZde"},
		{"begins later: rest counts", "3abc", "5XYZ", "..abcYZ"},
	} {
		f := follow(0)
		for _, s := range []string{c.first, c.second} {
			f.send(0, uint32(s[0]-'0'), s[1:], 0)
		}
		f.send(0, 1, "..", 0)
		if got := f.said[0].String(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestReassemblyMarksGaps(t *testing.T) {
	f := follow(0)
	f.send(0, 1, "abc", 0)
	f.send(0, 6, "fgh", 0)
	f.ack(1, 9)
	f.want(t, 0, "abc[2]fgh")
	f.send(0, 12, "lm", 0)
	f.Close()
	f.want(t, 0, "abc[2]fgh[3]lm")
}

func TestReassemblyIsBounded(t *testing.T) {
	f := follow(10)
	f.send(0, 1, "a", 0)
	f.send(0, 5, "efghij", 0)
	f.want(t, 0, "a")
	f.send(0, 20, "tuvwxyz", 0)
	f.want(t, 0, "a[3]efghij")
}

func TestReassemblyAcrossTheWrap(t *testing.T) {
	f := follow(0)
	f.talk.Opened = HowMidstream
	f.send(1, 0xfffffffe, "abcd", 0)
	f.send(1, 2, "efg", 0)
	f.want(t, 1, "abcdefg")
}

func TestReassemblyOfDatagrams(t *testing.T) {
	f := follow(0)
	f.talk.Protocol = internet.UDP
	f.Add(&Event{Talk: &f.talk, Packet: &capture.Packet{Record: &capture.Record{}, HasUDP: true, Payload: []byte("question")}})
	f.want(t, 0, "question")
}

// TestReassemblyGivesTheStream cuts a stream anyhow, sends it in any order and often.
func TestReassemblyGivesTheStream(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stream := rapid.SliceOfN(rapid.Byte(), 1, 200).Draw(t, "stream")
		f := follow(1 << 20)
		sent := make([]bool, len(stream))
		for range rapid.IntRange(1, 60).Draw(t, "segments") {
			from := rapid.IntRange(0, len(stream)-1).Draw(t, "from")
			to := rapid.IntRange(from+1, len(stream)).Draw(t, "to")
			f.send(0, uint32(from+1), string(stream[from:to]), 0)
			for i := from; i < to; i++ {
				sent[i] = true
			}
		}
		got := f.said[0].String()
		whole := bytes.IndexByte(bools(sent), 0)
		if whole < 0 {
			whole = len(stream)
		}
		if got != string(stream[:whole]) {
			t.Fatalf("%d bytes in order, want %d", len(got), whole)
		}
	})
}

func bools(list []bool) []byte {
	b := make([]byte, len(list))
	for i, v := range list {
		if v {
			b[i] = 1
		}
	}
	return b
}
