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
	d := &drawing{archive: archive, pass: p, w: w, fragments: map[int64][]int64{}, taken: map[int64]bool{}, reuses: map[int]flow.Finding{}}
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
	archive   capture.Archive
	pass      *Pass
	w         Sink
	index     Index
	first     int                  // the conversation that is drawn while reading; 0 for none yet
	fragments map[int64][]int64    // offsets of the frames of a packet that came in several, by its last one's number
	taken     map[int64]bool       // the fragments of those packets, which need no line of their own
	reuses    map[int]flow.Finding // by conversation: that its ports were those of another, which its own frames do not tell
}

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
		d.gather(p)
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
	id := 0
	if e != nil {
		id = e.Talk.ID
		for _, f := range e.Findings {
			if f.Label == flow.LabelPortReuse {
				d.reuses[id] = f
			}
		}
		d.gather(p)
	}
	d.index.Add(id, p.Number, p.Offset)
}

// gather remembers which frames a packet came in.
func (d *drawing) gather(p *capture.Packet) {
	for _, number := range p.Fragments {
		if offset, ok := d.index.Offset(number); ok && number != p.Number {
			d.fragments[p.Number] = append(d.fragments[p.Number], offset)
			d.taken[number] = true
		}
	}
}

// conversation is the second step, for one of them.
func (d *drawing) conversation(id int) error {
	one := &Pass{tracker: flow.New(flow.Config{MaxConversations: 2})}
	var talk *flow.Conversation
	shown := false
	for number, offset := range d.index.Frames(id) {
		p, err := d.load(one, number, offset)
		if err != nil {
			return err
		}
		e := one.tracker.Add(p)
		if e == nil {
			continue
		}
		talk = e.Talk
		talk.ID = id
		if f, again := d.reuses[id]; again && f.Frame == p.Number {
			talk.Reuses = int(f.Values[0])
			e.Findings = slices.Insert(e.Findings, 0, f)
		}
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

// load takes a frame apart once more, and those before it that are of the same
// packet.
func (d *drawing) load(one *Pass, number, offset int64) (*capture.Packet, error) {
	for _, before := range d.fragments[number] {
		r, err := d.archive.At(before)
		if err != nil {
			return nil, err
		}
		one.whole(r)
	}
	r, err := d.archive.At(offset)
	if err != nil {
		return nil, err
	}
	r.Number = number
	p, _ := one.whole(r)
	p.Verify()
	return p, nil
}

// others is the third step.
func (d *drawing) others() error {
	var p capture.Packet
	for number, offset := range d.index.Frames(0) {
		if d.taken[number] {
			continue
		}
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
