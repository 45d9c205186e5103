package conversation

import (
	"time"

	"dialtone/transport/tcp"
)

// A Script is one conversation.
type Script struct {
	Name  string // "close/simultaneous close": of its file, and its own
	File  string // the file's name
	Lines []Line

	given map[Where]*Given

	NotOn map[Where]string // where it cannot be played, and why
}

// Given is what holds before a conversation begins. The zero Given is the default of
// both ends under test.
type Given struct {
	MTU                             int // of the path's first link; 0: 1500
	NoSACK, NoTimestamps, NoScaling bool
	SendBuffer, ReceiveBuffer       int    // bytes; 0: what the end under test has
	Congestion                      string // "": cubic
	NoDelay                         bool
	KeepAlive                       tcp.KeepAlive
	UserTimeout                     time.Duration
	ISS                             tcp.Seq // where our machine begins to count; a kernel chooses by itself
	PeerISS                         tcp.Seq // where the peer begins to count
	Sysctls                         map[string]string
}

// A Line is one line of a script: something that happens or must be so, some time
// after the line before.
type Line struct {
	Number       int    // in the file
	Text         string // as written, without time and comment
	Only         Where  // where it is played; "" everywhere
	After, Until time.Duration
	step         step
}

// Where is a kind of end under test.
type Where string

// The two kinds: our machine, and the Linux kernel.
const (
	Ours  Where = "ours"
	Linux Where = "linux"
)

// Given is what holds before the conversation begins, for one kind of end.
func (s *Script) Given(where Where) *Given { return s.given[where] }

// Lasts is how long the script takes at least, played in real time.
func (s *Script) Lasts() (d time.Duration) {
	for _, l := range s.Lines {
		if l.Only != Ours {
			d += l.After
		}
		if q, ok := l.step.(silent); ok {
			d += q.time
		}
	}
	return d
}

// A step is what a line says. Its play returns an error when it does not hold.
type step interface {
	play(p *player, l *Line) error
}
