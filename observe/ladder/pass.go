package ladder

import (
	"io"

	"dialtone/observe/capture"
	"dialtone/observe/filter"
	"dialtone/observe/flow"
)

// A Pass reads a source once, from its first frame to its last, in these steps:
//
//  1. the record is taken apart                               capture.Decode
//  2. a fragment waits for the others of its packet           capture.Reassembler
//  3. what the filter cannot want is left out                 filter.Expr.Packet
//  4. the tracker says what the packet did                    flow.Tracker
type Pass struct {
	Limit     int64 // frames that Next returns; 0 for all
	source    capture.Source
	filter    *filter.Expr // all of it, which may ask for what a conversation did
	bound     *filter.Expr // the part that a packet alone decides
	tracker   *flow.Tracker
	fragments capture.Reassembler
	packet    capture.Packet
	count     Count
	ends      list[outcome] // by conversation: how they ended, where a pass before this one has learned it
}

// Count is what a pass has seen so far.
type Count struct {
	Frames, Matched int64
	Bytes           int64 // on the wire, of those that matched
	Shown           bool  // Shows said yes to any
	Conversations   int
	Evicted         int64 // conversations that were given up for lack of memory
	First, Last     int64 // times
}

// NewPass returns a pass over source. A nil filter lets every packet through.
func NewPass(source capture.Source, f *filter.Expr) *Pass {
	p := &Pass{source: source, tracker: flow.New(flow.Config{})}
	if f != nil && f.String() != "" {
		p.filter, p.bound = f, f.Packet()
	}
	return p
}

// ByPacket reports whether a packet alone decides if it is shown.
func (p *Pass) ByPacket() bool { return p.filter == nil || p.filter.ByPacket() }

// Next returns the next frame that the filter may want, and what it did: a nil
// event for a frame of no conversation. Of a packet in fragments the last one does
// what the packet does. Both are valid until the next call. The error is the
// source's.
func (p *Pass) Next() (*capture.Packet, *flow.Event, error) {
	for {
		if p.Limit > 0 && p.count.Matched >= p.Limit {
			return nil, nil, io.EOF
		}
		r, err := p.source.Next()
		if err != nil {
			return nil, nil, err
		}
		p.see(r)
		packet, whole := p.whole(r)
		if p.bound != nil && !p.bound.Match(packet, nil) {
			continue
		}
		p.count.Matched++
		p.count.Bytes += int64(r.Wire)
		if !whole {
			return packet, nil, nil
		}
		packet.Verify()
		e := p.tracker.Add(packet)
		if e != nil {
			p.count.Conversations = max(p.count.Conversations, e.Talk.ID)
		}
		return packet, e, nil
	}
}

// whole takes a record apart. What it returns is a fragment where the others of
// its packet are not all there.
func (p *Pass) whole(r *capture.Record) (packet *capture.Packet, whole bool) {
	capture.Decode(r, &p.packet)
	if packet := p.fragments.Add(&p.packet); packet != nil {
		return packet, true
	}
	return &p.packet, false
}

func (p *Pass) see(r *capture.Record) {
	if p.count.Frames == 0 {
		p.count.First = r.Time
	}
	p.count.Frames++
	p.count.Last = r.Time
}

// Count returns what was seen so far.
func (p *Pass) Count() Count {
	p.count.Evicted = p.tracker.Evicted()
	return p.count
}

// Learn reads an archive for a filter that asks for what conversations did, and
// returns a pass that reads it again, knowing how each one ended. For any other
// filter it is NewPass.
func Learn(archive capture.Archive, f *filter.Expr) *Pass {
	p := NewPass(archive, f)
	if p.ByPacket() {
		return p
	}
	again := &replay{archive: archive}
	p.source = again
	var ends list[outcome]
	for {
		_, e, err := p.Next()
		if err != nil {
			again.err = err
			break
		}
		if e == nil {
			continue
		}
		for ends.n <= e.Talk.ID {
			ends.add(outcome{})
		}
		*ends.at(e.Talk.ID) = outcomeOf(e.Talk)
	}
	second := NewPass(again, f)
	second.ends = ends
	again.reading = true
	return second
}

// replay is a source that reads an archive, and then the same frames once more.
type replay struct {
	archive capture.Archive
	offsets list[int64]
	reading bool // once more
	at      int
	err     error // how the archive ended
}

func (r *replay) Next() (*capture.Record, error) {
	if !r.reading {
		record, err := r.archive.Next()
		if err == nil {
			r.offsets.add(record.Offset)
		}
		return record, err
	}
	if r.at == r.offsets.n {
		return nil, r.err
	}
	record, err := r.archive.At(*r.offsets.at(r.at))
	if err != nil {
		return nil, err
	}
	r.at++
	record.Number = int64(r.at)
	return record, nil
}

// notEOF is an error that is not the end of a source.
func notEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}
