package conversation

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"dialtone/transport/tcp"
)

// parseSegment reads FLAGS [SEQ[+LEN]] [ack N] [win N] [urgent N] [<options>].
func parseSegment(text string) (*Segment, error) {
	s := &Segment{Seq: Unsaid, Ack: Unsaid, Window: Unsaid}
	text, options, ok := strings.Cut(text, "<")
	if ok {
		inner, behind, closed := strings.Cut(options, ">")
		if !closed || strings.TrimSpace(behind) != "" {
			return nil, fmt.Errorf("options end with > and the line")
		}
		if err := s.setOptions(inner); err != nil {
			return nil, err
		}
	}
	words := strings.Fields(text)
	if len(words) == 0 {
		return nil, fmt.Errorf("a segment without flags")
	}
	if err := s.setFlags(words[0]); err != nil {
		return nil, err
	}
	words = words[1:]
	if len(words)%2 == 1 { // all others are pairs
		if err := s.setSeq(words[0]); err != nil {
			return nil, err
		}
		words = words[1:]
	}
	for ; len(words) > 0; words = words[2:] {
		if err := s.setField(words[0], words[1]); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *Segment) setFlags(text string) error {
	if text == "none" {
		return nil
	}
	for name := range strings.SplitSeq(text, "+") {
		f := tcp.FIN
		for ; f <= tcp.AE && f.String() != name; f <<= 1 {
		}
		if f > tcp.AE {
			return fmt.Errorf("no flag is called %q", name)
		}
		s.Flags |= f
	}
	return nil
}

func (s *Segment) setSeq(text string) (err error) {
	seq, length, ok := strings.Cut(text, "+")
	if s.Seq, err = strconv.Atoi(seq); err != nil || !ok {
		return err
	}
	n, err := strconv.ParseUint(length, 10, 16)
	s.Len = int(n)
	return err
}

func (s *Segment) setField(name, value string) error {
	n, err := strconv.Atoi(value)
	switch name {
	case "ack":
		s.Ack = n
	case "win":
		s.Window = n
	case "urgent":
		s.Urgent = n
	default:
		return fmt.Errorf("a segment has no %q", name)
	}
	return err
}

// setOptions reads what is between < and >.
func (s *Segment) setOptions(text string) error {
	s.Options = []Option{}
	for part := range strings.SplitSeq(text, ",") {
		words := strings.Fields(part)
		if len(words) == 0 {
			continue
		}
		o, err := parseOption(words[0], words[1:])
		if err != nil {
			return err
		}
		s.Options = append(s.Options, o)
	}
	return nil
}

func parseOption(name string, words []string) (o Option, err error) {
	switch name {
	case "NOP":
		return Option{Kind: tcp.KindNop}, nil
	case "MSS":
		o, err = numbers(tcp.KindMSS, words, 1)
	case "scale":
		o, err = numbers(tcp.KindWindowScale, words, 1)
	case "timestamps":
		o, err = numbers(tcp.KindTimestamps, timestamps(words), 2)
	case "bytes":
		return rawOption(strings.Join(words, ""))
	case "SACK":
		if len(words) == 1 && words[0] == "permitted" {
			return Option{Kind: tcp.KindSACKPermitted}, nil
		}
		edges := strings.Fields(strings.ReplaceAll(strings.Join(words, " "), "-", " "))
		o, err = numbers(tcp.KindSACK, edges, 2*len(words))
	default:
		err = fmt.Errorf("no option is called %q", name)
	}
	return o, err
}

// rawOption reads bytes in hexadecimal, for what no builder would write.
func rawOption(text string) (Option, error) {
	o := Option{Kind: kindRaw}
	b, err := hex.DecodeString(text)
	for _, one := range b {
		o.Numbers = append(o.Numbers, int(one))
	}
	return o, err
}

// timestamps makes the value and its echo of "5 echo 7", "echo 7", "5" or nothing.
func timestamps(words []string) []string {
	val, ecr := "?", "?"
	if len(words) > 0 && words[0] != "echo" {
		val, words = words[0], words[1:]
	}
	if len(words) == 2 && words[0] == "echo" {
		ecr, words = words[1], nil
	}
	return append([]string{val, ecr}, words...)
}

// numbers makes an option of n numbers; a ? is an unsaid one.
func numbers(kind tcp.OptionKind, words []string, n int) (Option, error) {
	o := Option{Kind: kind}
	if len(words) != n || n == 0 {
		return o, fmt.Errorf("option %v with %d numbers, want %d", kind, len(words), n)
	}
	for _, word := range words {
		value, err := strconv.Atoi(word)
		if word == "?" {
			value, err = Unsaid, nil
		}
		if err != nil {
			return o, err
		}
		o.Numbers = append(o.Numbers, value)
	}
	return o, nil
}
