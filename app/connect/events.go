package connect

import "time"

// Kind says what an Event is about.
type Kind string

// The kinds, in the order in which a conversation has them.
const (
	Connected  Kind = "connected"   // the conversation begins
	Sent       Kind = "sent"        // bytes go to the server: made just before, so that no answer comes earlier
	Received   Kind = "received"    // bytes came from the server
	HalfClosed Kind = "half-closed" // the input ended and the server was told
	Failed     Kind = "error"       // the conversation failed; the last but Closed, or the only one
	Closed     Kind = "closed"      // the conversation is over
)

// MaxData is the most bytes that a Sent or Received event holds.
const MaxData = 128 << 10

// Event is one thing that happened in a conversation.
type Event struct {
	Time time.Time
	Kind Kind

	Data          []byte // Sent, Received: the bytes, at most MaxData. Valid until the watcher returns.
	Local, Remote string // Connected: the two endpoints
	By            string // Closed: who ended first, "client" or "server"
	Sent          int64  // Closed: bytes sent
	Received      int64  // Closed: bytes received
	Error         string // Failed: what happened. It may hold the server's words: escape before showing.
}

// Watchers returns one watcher that calls each of list that is not nil, or nil
// if there is none.
func Watchers(list ...func(Event)) func(Event) {
	var all []func(Event)
	for _, watch := range list {
		if watch != nil {
			all = append(all, watch)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return func(e Event) {
		for _, watch := range all {
			watch(e)
		}
	}
}
