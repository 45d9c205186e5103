package tcp_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"dialtone/transport/tcp"
)

func TestSeqGoesAround(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := tcp.Seq(rapid.Uint32().Draw(t, "seq"))
		n := rapid.IntRange(-1<<31+1, 1<<31-1).Draw(t, "distance")
		u := s.Add(n)
		if u.Sub(s) != n || s.Sub(u) != -n {
			t.Fatalf("%d and %d ahead: %d and %d apart", s, n, u.Sub(s), s.Sub(u))
		}
		if s.Less(u) != (n > 0) || u.Less(s) != (n < 0) || s.LessEq(u) != (n >= 0) {
			t.Fatalf("%d is %d before %d; Less says %v and %v", s, n, u, s.Less(u), u.Less(s))
		}
	})
}

func TestSeqInArc(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := tcp.Seq(rapid.Uint32().Draw(t, "first"))
		size := rapid.Uint32().Draw(t, "size")
		ahead := rapid.Uint32().Draw(t, "ahead")
		s, end := first+tcp.Seq(ahead), first+tcp.Seq(size)
		if got := s.In(first, end); got != (ahead < size) {
			t.Fatalf("%d in %d to %d: %v", s, first, end, got)
		}
	})
}

func TestFlagsInWords(t *testing.T) {
	for flags, want := range map[tcp.Flags]string{
		0:                           "none",
		tcp.SYN:                     "SYN",
		tcp.SYN | tcp.ACK:           "SYN ACK",
		tcp.FIN | tcp.PSH | tcp.ACK: "FIN PSH ACK",
		tcp.SYN | tcp.ECE | tcp.CWR: "SYN ECE CWR",
		tcp.RST | tcp.URG | tcp.AE:  "RST URG AE",
		tcp.ACK | 0x200:             "ACK 0x200",
		0xe00:                       "0xe00",
	} {
		if got := flags.String(); got != want {
			t.Errorf("%#x is %q, want %q", uint16(flags), got, want)
		}
	}
	if f := tcp.SYN | tcp.ACK; !f.Has(tcp.SYN) || !f.Has(tcp.SYN|tcp.ACK) || f.Has(tcp.SYN|tcp.FIN) {
		t.Error("Has does not ask for all")
	}
}

func TestStateNames(t *testing.T) {
	for s := tcp.Listen; s <= tcp.Closed; s++ {
		if got, err := tcp.ParseState(s.String()); got != s || err != nil {
			t.Errorf("%v is read as %v, %v", s, got, err)
		}
	}
	for name, want := range map[string]tcp.State{
		"close-wait": tcp.CloseWait, "CLOSE_WAIT": tcp.CloseWait, "fin-wait-1": tcp.FinWait1, "FIN_WAIT2": tcp.FinWait2, "SYN-RECEIVED": tcp.SynReceived,
		"syn_recv": tcp.SynReceived, "syn-sent": tcp.SynSent, "estab": tcp.Established, "TIME-WAIT": tcp.TimeWait, "lastack": tcp.LastAck,
	} {
		if got, err := tcp.ParseState(name); got != want || err != nil {
			t.Errorf("%s is read as %v, %v; want %v", name, got, err, want)
		}
	}
	for _, name := range []string{"", "unknown", "wait", "fin-wait-3"} {
		if got, err := tcp.ParseState(name); err == nil || got != 0 {
			t.Errorf("%q is read as %v", name, got)
		}
	}
	if got := tcp.State(99).String(); got != "unknown" {
		t.Errorf("state 99 is %q", got)
	}
}

func FuzzParseState(f *testing.F) {
	f.Add("fin-wait-1")
	f.Fuzz(func(t *testing.T, name string) {
		if s, err := tcp.ParseState(name); (err == nil) != (s >= tcp.Listen && s <= tcp.Closed) {
			t.Fatalf("%q is %v, %v", name, s, err)
		}
	})
}

func ExampleSeq_Less() {
	before, after := tcp.Seq(0xffffff00), tcp.Seq(0x100)
	fmt.Println(before.Less(after), after.Sub(before))
	// Output: true 512
}

func ExampleParse() {
	h := tcp.Header{SrcPort: 40000, DstPort: 80, Seq: 7, Ack: 9, Flags: tcp.PSH | tcp.ACK, Window: 502}
	segment := append(h.Append(nil), "GET / HTTP/1.0"...)

	h, payload, err := tcp.Parse(segment)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d > %d %v seq %d ack %d: %s\n", h.SrcPort, h.DstPort, h.Flags, h.Seq, h.Ack, payload)
	_, _, err = tcp.Parse(segment[:19])
	fmt.Println(err)
	// Output:
	// 40000 > 80 PSH ACK seq 7 ack 9: GET / HTTP/1.0
	// TCP header, byte 0: fewer than 20 bytes
}
