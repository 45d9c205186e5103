package conversation

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"dialtone/transport/tcp"
)

// Unsaid is a number that the script leaves open: the peer's segment gets the usual
// one, and of a segment that is waited for it is not looked at.
const Unsaid = math.MinInt

// A Segment is a segment as scripts write it, its sequence numbers counted from the
// first ones of both ends.
type Segment struct {
	Flags    tcp.Flags
	Seq, Len int
	Ack      int
	Window   int // as on the wire
	Urgent   int
	Options  []Option // nil: unsaid; empty: none
}

// An Option is one option of a segment, with its numbers: MSS, shift, timestamps'
// value and echo, or the edges of SACK blocks.
type Option struct {
	Kind    tcp.OptionKind
	Numbers []int
}

// kindRaw marks bytes as they are in place of an option; no option is of this kind.
const kindRaw = tcp.OptionKind(255)

// String writes the segment as scripts do.
func (s *Segment) String() string {
	var b strings.Builder
	b.WriteString(strings.ReplaceAll(s.Flags.String(), " ", "+"))
	if s.Seq != Unsaid {
		fmt.Fprintf(&b, " %d", s.Seq)
	}
	if s.Len != 0 {
		fmt.Fprintf(&b, "+%d", s.Len)
	}
	number(&b, " ack ", s.Ack)
	number(&b, " win ", s.Window)
	if s.Urgent != 0 {
		number(&b, " urgent ", s.Urgent)
	}
	if s.Options == nil {
		return b.String()
	}
	words := make([]string, len(s.Options))
	for i, o := range s.Options {
		words[i] = o.String()
	}
	return b.String() + " <" + strings.Join(words, ", ") + ">"
}

func number(b *strings.Builder, name string, n int) {
	if n != Unsaid {
		fmt.Fprint(b, name, n)
	}
}

// String writes the option as scripts do.
func (o Option) String() string {
	switch n := o.Numbers; o.Kind {
	case tcp.KindNop:
		return "NOP"
	case tcp.KindSACKPermitted:
		return "SACK permitted"
	case tcp.KindMSS:
		return fmt.Sprint("MSS ", n[0])
	case tcp.KindWindowScale:
		return fmt.Sprint("scale ", n[0])
	case tcp.KindTimestamps:
		var b strings.Builder
		b.WriteString("timestamps")
		number(&b, " ", n[0])
		number(&b, " echo ", n[1])
		return b.String()
	case tcp.KindSACK:
		var b strings.Builder
		b.WriteString("SACK")
		for ; len(n) >= 2; n = n[2:] {
			fmt.Fprintf(&b, " %d-%d", n[0], n[1])
		}
		return b.String()
	}
	return o.Kind.String()
}

// wants says whether got is what s waits for: everything that s says, and no more
// flags and data than that. PSH is looked at only where s has it.
func (s *Segment) wants(got *Segment) bool {
	ignored := tcp.PSH &^ s.Flags
	return s.Flags == got.Flags&^ignored && s.Len == got.Len && s.Urgent == got.Urgent &&
		says(s.Seq, got.Seq) && says(s.Ack, got.Ack) && says(s.Window, got.Window) &&
		(s.Options == nil || sameOptions(s.Options, got.Options))
}

func says(want, got int) bool { return want == Unsaid || want == got }

// sameOptions compares in order. NOPs only align, and are looked at only where the
// script writes some.
func sameOptions(want, got []Option) bool {
	isNop := func(o Option) bool { return o.Kind == tcp.KindNop }
	if !slices.ContainsFunc(want, isNop) {
		got = slices.DeleteFunc(slices.Clone(got), isNop)
	}
	return slices.EqualFunc(want, got, func(a, b Option) bool {
		return a.Kind == b.Kind && slices.EqualFunc(a.Numbers, b.Numbers, says)
	})
}
