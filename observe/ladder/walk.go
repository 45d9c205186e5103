package ladder

import (
	"errors"
	"maps"
	"slices"

	"dialtone/observe/capture"
	"dialtone/observe/flow"
)

// Sink is shown what a pass finds, in the order of capture.
type Sink interface {
	Event(*flow.Event) error      // a packet of a conversation
	Frame(*capture.Packet) error  // a frame of none
	End(*flow.Conversation) error // nothing more is expected of this one
}

// maxOpen is how many conversations are kept for their End.
const maxOpen = 1 << 17

// Walk reads a pass to its end and shows the sinks what the filter wants. The
// conversations end when the source does; of more than 131,072 the first ends
// earlier, and once more if it goes on. The error is that of the source or of a
// sink; what was read before is shown.
func Walk(p *Pass, sinks ...Sink) error {
	w := walk{pass: p, sinks: sinks, talks: map[int]*flow.Conversation{}}
	for {
		packet, e, err := p.Next()
		if err != nil {
			return errors.Join(notEOF(err), w.end())
		}
		if err := w.show(packet, e); err != nil {
			return err
		}
	}
}

type walk struct {
	pass   *Pass
	sinks  []Sink
	talks  map[int]*flow.Conversation // those that were shown
	oldest int                        // no conversation below it is among them
}

func (w *walk) show(p *capture.Packet, e *flow.Event) error {
	if e == nil {
		if w.pass.Shows(p, nil) {
			return w.each(func(s Sink) error { return s.Frame(p) })
		}
		return nil
	}
	if !w.pass.Shows(p, e) {
		return nil
	}
	if err := w.each(func(s Sink) error { return s.Event(e) }); err != nil {
		return err
	}
	w.talks[e.Talk.ID] = e.Talk
	w.oldest = min(w.oldest, e.Talk.ID)
	if len(w.talks) > maxOpen {
		return w.endOldest()
	}
	return nil
}

func (w *walk) endOldest() error {
	for w.talks[w.oldest] == nil {
		w.oldest++
	}
	c := w.talks[w.oldest]
	delete(w.talks, w.oldest)
	return w.each(func(s Sink) error { return s.End(c) })
}

// end tells the sinks of the conversations that were shown, in their order.
func (w *walk) end() error {
	for _, id := range slices.Sorted(maps.Keys(w.talks)) {
		if err := w.each(func(s Sink) error { return s.End(w.talks[id]) }); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) each(do func(Sink) error) error {
	for _, s := range w.sinks {
		if err := do(s); err != nil {
			return err
		}
	}
	return nil
}
