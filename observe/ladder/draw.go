package ladder

import (
	"errors"
	"slices"

	"dialtone/observe/capture"
	"dialtone/observe/flow"
)

// Draw shows a capture to w one conversation after another, each as if it were the
// only one:
//
//  1. The source is read to its end. The rows of the first conversation are drawn
//     at once; of the others an Index remembers where their frames are.
//  2. Each of the others is drawn from its frames, which the archive gives again,
//     with a tracker of its own.
//  3. The frames of no conversation come last.
//
// The error is that of the source or of w; what was read before it is drawn.
func Draw(archive capture.Archive, p *Pass, w Sink) error {
	d := &drawing{archive: archive, pass: p, w: w, waiting: map[int64]uint32{}}
	broken, err := d.read()
	for id := 1; err == nil && id < d.index.Conversations(); id++ {
		if id != d.first {
			err = d.conversation(id)
		}
	}
	if err == nil {
		err = d.others()
	}
	return errors.Join(err, broken)
}

type drawing struct {
	archive capture.Archive
	pass    *Pass
	w       Sink
	index   Index
	first   int              // the conversation that is drawn while reading; 0 for none yet
	waiting map[int64]uint32 // fragments whose packet is not whole yet: their places in the index, by number
}

// mostWaiting bounds the fragments that may still become a packet.
const mostWaiting = 1 << 20

// read is the first step. What broke the source is no reason to stop.
func (d *drawing) read() (broken, err error) {
	var talk *flow.Conversation
	for {
		p, e, err := d.pass.Next()
		if err != nil {
			broken = notEOF(err)
			break
		}
		if d.first == 0 && e != nil && d.pass.Shows(p, e) {
			d.first, talk = e.Talk.ID, e.Talk
		}
		if e == nil || e.Talk.ID != d.first {
			d.remember(p, e)
			continue
		}
		d.gather(p, 0)
		if !d.pass.Shows(p, e) {
			continue
		}
		if err := d.w.Event(e); err != nil {
			return nil, err
		}
	}
	if talk != nil {
		err = d.w.End(talk)
	}
	return broken, err
}

// remember puts a frame into the index.
func (d *drawing) remember(p *capture.Packet, e *flow.Event) {
	if e == nil {
		at := d.index.Add(0, p.Number, p.Offset)
		if (p.More || p.FragOff > 0) && at != 0 && len(d.waiting) < mostWaiting {
			d.waiting[p.Number] = at
		}
		return
	}
	id := e.Talk.ID
	d.gather(p, id)
	d.index.Add(id, p.Number, p.Offset)
	for i := range e.Findings {
		// The frames of a conversation alone do not tell that its ports are those of another.
		if f := &e.Findings[i]; f.Rule == flow.RulePortReuse {
			c := d.index.chain(id)
			c.reuses, c.isn = uint32(f.Values[0]), uint32(f.Values[2])
		}
	}
}

// gather takes the frames that a packet came in to its conversation, or out of those of
// none for conversation 0.
func (d *drawing) gather(p *capture.Packet, id int) {
	for _, number := range p.Fragments {
		if at := d.waiting[number]; at != 0 {
			d.index.Move(at, id)
			delete(d.waiting, number)
		}
	}
}

// conversation is the second step, for one of them.
func (d *drawing) conversation(id int) error {
	one := &Pass{tracker: flow.New(flow.Config{MaxConversations: 2})}
	var talk *flow.Conversation
	shown := false
	for number, offset := range d.index.Frames(id) {
		r, err := d.archive.At(offset)
		if err != nil {
			return err
		}
		r.Number = number
		p, whole := one.whole(r)
		if !whole {
			continue
		}
		p.Verify()
		e := one.tracker.Add(p)
		if e == nil {
			continue
		}
		if talk == nil {
			d.tellReuse(e, d.index.chain(id))
		}
		talk = e.Talk
		talk.ID = id
		if !d.pass.Shows(p, e) {
			continue
		}
		if err := d.w.Event(e); err != nil {
			return err
		}
		shown = true
	}
	if !shown {
		return nil
	}
	return d.w.End(talk)
}

// tellReuse adds to the first event of a conversation that its addresses and ports are
// those of another.
func (d *drawing) tellReuse(e *flow.Event, c *chain) {
	if c.reuses == 0 {
		return
	}
	e.Talk.Reuses = int(c.reuses)
	e.Findings = slices.Insert(e.Findings, 0, flow.Finding{
		Label: flow.LabelPortReuse, Frame: e.Packet.Number, Rule: flow.RulePortReuse,
		Values: [4]int64{int64(c.reuses), int64(e.Packet.TCP.Seq), int64(c.isn)},
	})
}

// others is the third step.
func (d *drawing) others() error {
	var p capture.Packet
	for number, offset := range d.index.Frames(0) {
		r, err := d.archive.At(offset)
		if err != nil {
			return err
		}
		r.Number = number
		capture.Decode(r, &p)
		if !d.pass.Shows(&p, nil) {
			continue
		}
		if err := d.w.Frame(&p); err != nil {
			return err
		}
	}
	return nil
}
