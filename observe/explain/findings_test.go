package explain

import (
	"fmt"
	"testing"

	"dialtone/observe/sockets"
)

func TestFiguresBehindAFindingHaveUnits(t *testing.T) {
	got := ""
	for _, f := range []sockets.Finding{
		{Name: "unread", Figures: []sockets.Figure{{Name: "recv_queue", Value: 128512}, {Name: "since_received", Value: 990.624}, {Name: "own_window", Value: 0}}},
		{Name: "backlog-full", Figures: []sockets.Figure{{Name: "recv_queue", Value: 129}}},
		{Name: "retransmissions", Figures: []sockets.Figure{{Name: "retransmitted", Value: 9}}},
	} {
		got += fmt.Sprint(Behind(f))
	}
	want := "[{recv queue 129 kB } {since received 16.5 min } {own window 0 B }][{recv queue 129 connections }][{retransmitted 9 }]"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
