package conversation

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"dialtone/transport/tcp"
)

// set reads the words behind "given".
func (g *Given) set(words []string) (err error) {
	name, value := strings.Join(words, " "), ""
	if len(words) > 1 && words[0] != "no" {
		name, value = strings.Join(words[:len(words)-1], " "), words[len(words)-1]
	}
	switch {
	case name == "no SACK":
		g.NoSACK = true
	case name == "no timestamps":
		g.NoTimestamps = true
	case name == "no scaling":
		g.NoScaling = true
	case name == "no delay":
		g.NoDelay = true
	case name == "congestion":
		g.Congestion = value
	case name == "user timeout":
		g.UserTimeout, err = time.ParseDuration(value)
	case len(words) == 4 && words[0] == "keepalive":
		return g.keepAlive(words[1:])
	case len(words) == 3 && words[0] == "sysctl":
		if g.Sysctls == nil {
			g.Sysctls = map[string]string{}
		}
		g.Sysctls[words[1]] = value
	default:
		return g.setNumber(name, value)
	}
	return err
}

func (g *Given) setNumber(name, value string) error {
	n, err := strconv.ParseUint(value, 10, 32)
	switch name {
	case "MTU":
		g.MTU = int(n)
	case "send buffer":
		g.SendBuffer = int(n)
	case "receive buffer":
		g.ReceiveBuffer = int(n)
	case "our ISS":
		g.ISS = tcp.Seq(n)
	case "peer's ISS":
		g.PeerISS = tcp.Seq(n)
	default:
		return fmt.Errorf("nothing is called %q", name)
	}
	return err
}

// keepAlive reads idle time, interval and count.
func (g *Given) keepAlive(words []string) (err error) {
	if g.KeepAlive.Idle, err = time.ParseDuration(words[0]); err != nil {
		return err
	}
	if g.KeepAlive.Interval, err = time.ParseDuration(words[1]); err != nil {
		return err
	}
	g.KeepAlive.Count, err = strconv.Atoi(words[2])
	return err
}

// handshake writes out the lines of an ordinary handshake, by which most
// conversations begin; what it is "with" are the peer's options, its window and the
// round-trip time.
func (s *Script) handshake(l Line, verb, with string) error {
	window, mss, rtt, options := "65535", "1460", "0s", ""
	with = strings.TrimPrefix(strings.TrimSpace(with), "with ")
	for word := range strings.SplitSeq(with, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(word), " ")
		switch name {
		case "":
		case "win":
			window = value
		case "MSS":
			mss = value
		case "RTT":
			rtt = value
		default:
			options += ", " + strings.TrimSpace(word)
		}
	}
	lines := []string{
		"connect",
		"> SYN 0",
		"+" + rtt + " < SYN+ACK 0 ack 1 win " + window + " <MSS " + mss + options + ">",
		"> ACK 1 ack 1",
	}
	if verb == "accepted" {
		lines = []string{
			"listen",
			"< SYN 0 win " + window + " <MSS " + mss + options + ">",
			"> SYN+ACK 0 ack 1",
			"+" + rtt + " < ACK 1 ack 1",
			"accept",
		}
	}
	for _, text := range append(lines, "state ESTABLISHED") {
		if err := s.line(l, text, ""); err != nil {
			return err
		}
	}
	return nil
}
