package explain

import (
	"strconv"
	"strings"
	"time"

	"dialtone/observe/sockets"
)

// Behind returns the figures that a finding rests on, in words and with their units.
func Behind(f sockets.Finding) []Figure {
	list := make([]Figure, len(f.Figures))
	for i, g := range f.Figures {
		list[i] = Figure{Name: strings.ReplaceAll(g.Name, "_", " "), Text: figureText(f.Name, g)}
	}
	return list
}

// figureText writes a figure of a rule in its unit, which its name says.
func figureText(rule string, f sockets.Figure) string {
	switch f.Name {
	case "age", "since_sent", "since_received", "since_ack", "next_in", "rto", "rtt", "rtt_least", "busy", "window_limited", "buffer_limited":
		return Span(time.Duration(f.Value * float64(time.Second)))
	case "peer_window", "own_window", "not_sent", "receive", "receive_buffer":
		return size(uint64(f.Value))
	case "recv_queue", "send_queue":
		if rule == "backlog-full" {
			return plural(uint64(f.Value), "connection")
		}
		return size(uint64(f.Value))
	case "cwnd", "in_flight":
		return plural(uint64(f.Value), "segment")
	}
	return strconv.FormatFloat(f.Value, 'f', -1, 64)
}
