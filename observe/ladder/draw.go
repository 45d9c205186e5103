package ladder

import (
	"errors"
	"io"

	"dialtone/observe/capture"
	"dialtone/observe/flow"
)

// Sink is shown what a pass finds, in the order of capture.
type Sink interface {
	Event(*flow.Event) error       // a packet of a conversation
	Frame(*capture.Packet) error   // a frame of none
	End(*flow.Conversation) error  // nothing more comes of this one
}

// Draw draws a capture as ladders, one conversation after another:
//
//  1. The source is read to its end. The rows of the first conversation are drawn
//     at once; of the others an Index remembers where their frames are.
//  2. Each of the others is drawn from its frames, which the archive gives again,
//     with a tracker of its own.
//  3. The frames of no conversation come last.
//
// Where the filter asks for what a conversation did, its end must be known before
// its first row can be judged: then the first is drawn in step 2 too.
//
// The error is that of the source or of w; what was read before it is drawn.
func Draw(archive capture.Archive, p *Pass, w *Writer) error {
	d := &drawing{archive: archive, pass: p, w: w, index: new(Index), ends: map[int]*flow.Conversation{}}
	broken := d.read()
	for id := 1; id < d.index.Conversations(); id++ {
		if id == d.first {
			continue
		}
		if err := d.conversation(id); err != nil {
			return errors.Join(err, broken)
		}
	}
	if err := d.others(); err != nil {
		return errors.Join(err, broken)
	}
	return errors.Join(w.out.Flush(), broken)
}

type drawing struct {
	archive capture.Archive
	pass    *Pass
	w       *Writer
	index   *Index
	first   int // the conversation that is drawn while reading; 0 for none
	ends    map[int]*flow.Conversation
}

// firstRows is after how many frames of the first conversation the rows drawn so
// far are shown, however few there are.
const firstRows = 64

// read is the first step.
func (d *drawing) read() error {
	var talk *flow.Conversation
	rows := 0
	for {
		p, e, err := d.pass.Next()
		if err != nil {
			if talk != nil {
				err = errors.Join(notEOF(err), d.w.End(talk), d.w.out.Flush())
			}
			return notEOF(err)
		}
		id := 0
		if e != nil {
			id = e.Talk.ID
		}
		if d.first == 0 && id != 0 && d.pass.ByPacket() {
			d.first, talk = id, e.Talk
		}
		if id == 0 || id != d.first {
			d.index.Add(id, p.Number, p.Offset)
			d.remember(e)
			continue
		}
		if err := d.w.Event(e); err != nil {
			return err
		}
		if rows++; rows <= firstRows {
			if err := d.w.out.Flush(); err != nil {
				return err
			}
		}
	}
}

// remember keeps what a conversation came to, where the drawing of its frames
// alone would not know it.
func (d *drawing) remember(e *flow.Event) {
	if e != nil && (e.Talk.Reuses != 0 || !d.pass.ByPacket()) {
		d.ends[e.Talk.ID] = e.Talk
	}
}

func notEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// conversation is the second step, for one of them.
func (d *drawing) conversation(id int) error {
	tracker := flow.New(flow.Config{MaxConversations: 2})
	var packet capture.Packet
	var talk *flow.Conversation
	for number, offset := range d.index.Frames(id) {
		if err := d.load(number, offset, &packet); err != nil {
			return err
		}
		e := tracker.Add(&packet)
		if e == nil { // an ICMP error about what came before
			continue
		}
		if e.Talk != talk {
			talk = e.Talk
			talk.ID = id
		}
		end := talk
		if known := d.ends[id]; known != nil {
			end, talk.Reuses = known, known.Reuses
		}
		if !d.pass.Shows(&packet, e, end) {
			continue
		}
		if err := d.w.Event(e); err != nil {
			return err
		}
	}
	if talk == nil || !d.w.has(id) {
		return nil
	}
	return d.w.End(talk)
}

// load takes a frame apart once more.
func (d *drawing) load(number, offset int64, p *capture.Packet) error {
	r, err := d.archive.At(offset)
	if err != nil {
		return err
	}
	r.Number = number
	capture.Decode(r, p)
	p.Verify()
	return nil
}

// others is the third step.
func (d *drawing) others() error {
	var packet capture.Packet
	for number, offset := range d.index.Frames(0) {
		if err := d.load(number, offset, &packet); err != nil {
			return err
		}
		if !d.pass.Shows(&packet, nil, nil) {
			continue
		}
		if err := d.w.Frame(&packet); err != nil {
			return err
		}
	}
	return nil
}

// Walk reads a pass to its end and shows each sink what the filter wants; the
// conversations end when the source does. The error is that of the source or of a
// sink.
func Walk(p *Pass, sinks ...Sink) error {
	talks := map[int]*flow.Conversation{}
	for {
		packet, e, err := p.Next()
		if err != nil {
			return errors.Join(notEOF(err), endAll(talks, sinks))
		}
		var c *flow.Conversation
		if e != nil {
			c = e.Talk
		}
		if !p.Shows(packet, e, c) {
			continue
		}
		if c != nil {
			talks[c.ID] = c
		}
		for _, s := range sinks {
			if err := show(s, packet, e); err != nil {
				return err
			}
		}
	}
}

func show(s Sink, p *capture.Packet, e *flow.Event) error {
	if e == nil {
		return s.Frame(p)
	}
	return s.Event(e)
}

// endAll tells the sinks of the conversations that were shown, in their order.
func endAll(talks map[int]*flow.Conversation, sinks []Sink) error {
	for _, id := range sortedKeys(talks) {
		for _, s := range sinks {
			if err := s.End(talks[id]); err != nil {
				return err
			}
		}
	}
	return nil
}
