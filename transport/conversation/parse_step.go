package conversation

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"dialtone/transport/tcp"
)

// parseStep reads what a line says, without its time.
func parseStep(text string) (step, error) {
	first, rest, _ := strings.Cut(text, " ")
	rest = strings.TrimSpace(rest)
	switch first {
	case ">":
		s, err := parseSegment(rest)
		return sends{s}, err
	case "<":
		if what, ok := strings.CutPrefix(rest, "ICMP "); ok {
			return parseICMP(what)
		}
		s, err := parseSegment(rest)
		if err == nil && s.Seq == Unsaid {
			err = fmt.Errorf("the peer's segment needs a sequence number")
		}
		return arrives{s}, err
	case "silent":
		d, err := time.ParseDuration(rest)
		return silent{d}, err
	case "state":
		s, err := tcp.ParseState(rest)
		return inState{s}, err
	case "error":
		err, ok := errnos()[rest]
		if !ok && rest != "none" {
			return nil, fmt.Errorf("no error is called %q", rest)
		}
		return hasError{err}, nil
	case "info":
		return parseInfo(rest)
	}
	return parseCall(text)
}

// calls are what a user can do, with what they may be told behind.
func calls() map[string]func(e End) error {
	return map[string]func(e End) error{
		"connect":     End.Connect,
		"listen":      End.Listen,
		"accept":      End.Accept,
		"close":       End.Close,
		"close write": End.CloseWrite,
		"close read":  End.CloseRead,
		"abort":       End.Abort,
		"no delay":    End.SetNoDelay,
	}
}

// parseCall reads NAME [fails ERROR], write N [takes N | fails ERROR],
// read N | end | nothing | fails ERROR.
func parseCall(text string) (step, error) {
	text, name, fails := strings.Cut(text, " fails ")
	var want error
	if fails {
		errno, ok := errnos()[strings.TrimSpace(name)]
		if !ok {
			return nil, fmt.Errorf("no error is called %q", name)
		}
		want = errno
	}
	if call, ok := calls()[text]; ok {
		return plain{call, want}, nil
	}
	words := strings.Fields(text)
	switch {
	case words[0] == "write":
		return parseWrite(words[1:], want)
	case words[0] == "read":
		return parseRead(words[1:], want)
	}
	return nil, fmt.Errorf("nothing is called %q", words[0])
}

func parseWrite(words []string, want error) (step, error) {
	switch {
	case len(words) == 3 && words[1] == "takes":
	case len(words) == 1:
		words = []string{words[0], "takes", words[0]}
	default:
		return nil, fmt.Errorf("want write N [takes N | fails ERROR]")
	}
	n, err := size(words[0])
	if err != nil {
		return nil, err
	}
	takes, err := size(words[2])
	if want != nil {
		takes = 0
	}
	return writes{n, takes, want}, err
}

func parseRead(words []string, want error) (step, error) {
	if len(words) == 0 && want != nil {
		return reads{want: want}, nil
	}
	if len(words) != 1 {
		return nil, fmt.Errorf("want read N, read end, read nothing or read fails ERROR")
	}
	switch words[0] {
	case "end":
		return reads{}, nil
	case "nothing":
		return reads{want: errWouldBlock}, nil
	}
	n, err := size(words[0])
	return reads{n, want}, err
}

// size reads how many bytes are written or read at once.
func size(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 24)
	return int(n), err
}

// parseICMP reads an error message's name, for one of them its MTU, and the number of
// the segment that it is about.
func parseICMP(text string) (step, error) {
	m := ICMP{Seq: Unsaid}
	text, about, ok := strings.Cut(text, " about ")
	if ok {
		n, err := strconv.Atoi(strings.TrimSpace(about))
		if err != nil {
			return nil, err
		}
		m.Seq = n
	}
	text, mtu, ok := strings.Cut(text, " MTU ")
	if ok {
		n, err := strconv.ParseUint(strings.TrimSpace(mtu), 10, 16)
		if err != nil {
			return nil, err
		}
		m.MTU = int(n)
	}
	m.Type, m.Code, ok = icmpNamed(strings.TrimSpace(text))
	if !ok {
		return nil, fmt.Errorf("no ICMP message is called %q", text)
	}
	return m, nil
}
