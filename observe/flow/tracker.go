package flow

import "dialtone/observe/capture"

// Config is how a Tracker works. The zero Config is a good one.
type Config struct {
	// MaxConversations is how many conversations are followed at the same time; zero
	// or negative for 131,072. Beyond it one is given up for each new one: one that
	// has closed, else one that never opened, else one that was quiet for long.
	MaxConversations int

	// MaxSegments is how many segments, of all conversations together, are
	// remembered to judge what comes later; zero or negative for 1,048,576.
	MaxSegments int
}

// A Tracker follows the conversations of one capture. It is not safe for use by
// several goroutines at once.
type Tracker struct{ config Config }

// New returns a tracker that has seen nothing.
func New(c Config) *Tracker { return &Tracker{config: c} }

// Add says what p did to its conversation: nil for a packet of no conversation. The
// event is valid until the next call.
func (t *Tracker) Add(p *capture.Packet) *Event { return nil }

// Evicted returns how many conversations were given up to stay within
// Config.MaxConversations.
func (t *Tracker) Evicted() int64 { return 0 }
