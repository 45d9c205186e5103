package ladder

import (
	"slices"

	"dialtone/internet"
	"dialtone/observe/flow"
	"dialtone/transport/tcp"
)

// A run is data from one end with nothing but acknowledgments from the other. Its
// first rows are drawn; the rest is kept back, and becomes one line when there is
// much of it. What ends a run is drawn as any other row: a change of state, an answer,
// the first packets that have a label.
const (
	runHead  = 4  // rows of a run that are drawn at once
	foldTail = 2  // rows at its end that are drawn
	foldMin  = 12 // rows that are worth a line in their place
	mostTold = 8  // rows that are drawn for the sake of one label; of more it is only counted
)

// fold keeps back the rows of a run.
type fold struct {
	from int   // who sends the data
	rows int   // of the run so far
	kept []Row // the last rows, at most foldTail+foldMin; their findings are counted when they go
	news [][]flow.Finding
	sum  folded
	told [256]uint8 // rows that were drawn for the sake of each label
}

// folded is what the rows that are not drawn come to.
type folded struct {
	segments, acks, bytes int64
	frame                 int64 // the first one's number
	first, last           int64 // times
	labels                [256]int64
}

// long is how long a live run is kept back, in nanoseconds of the capture.
const long = 1e9

func (f *fold) empty() bool { return len(f.kept) == 0 && f.sum.rows() == 0 }

func (s *folded) rows() int64 { return s.segments + s.acks }

// takes keeps a row back, where it goes on with a run that has gone on for long
// enough.
func (f *fold) takes(r *Row, findings []flow.Finding) bool {
	if f.tells(findings) || !bulk(r) {
		f.rows = 0
		if r.Len > 0 {
			f.from, f.rows = r.From, 1
		}
		return false
	}
	switch {
	case f.rows == 0 && r.Len == 0: // an acknowledgment of something else
		return false
	case f.rows == 0 || r.Len > 0 && r.From != f.from:
		f.from, f.rows = r.From, 1
		return false
	}
	f.rows++
	if f.rows <= runHead {
		return false
	}
	f.keep(r, findings)
	return true
}

// keep puts a row behind those kept, and lets the first go into the sum once it is
// clear that there is more than a few.
func (f *fold) keep(r *Row, findings []flow.Finding) {
	if len(f.kept) == foldTail+foldMin-1 || f.sum.rows() > 0 && len(f.kept) == foldTail {
		for len(f.kept) >= foldTail {
			f.sum.add(&f.kept[0], f.news[0])
			f.drop()
		}
	}
	f.kept = append(f.kept, *r)
	n := len(f.kept)
	f.kept[n-1].Fragments = slices.Clone(r.Fragments)
	if len(f.news) < n {
		f.news = append(f.news, nil)
	}
	f.news[n-1] = append(f.news[n-1][:0], findings...)
}

// drop takes the first row off; its findings' room is used again.
func (f *fold) drop() {
	room := f.news[0]
	copy(f.kept, f.kept[1:])
	copy(f.news, f.news[1:])
	f.kept = f.kept[:len(f.kept)-1]
	f.news[len(f.news)-1] = room
}

func (s *folded) add(r *Row, findings []flow.Finding) {
	if s.rows() == 0 {
		s.frame, s.first = r.Frame, r.Time
	}
	s.last = r.Time
	if r.Len > 0 {
		s.segments++
		s.bytes += int64(r.Len)
	} else {
		s.acks++
	}
	for i := range findings {
		if !slices.ContainsFunc(findings, func(f flow.Finding) bool { return finer(&f, &findings[i]) }) {
			s.labels[findings[i].Label]++
		}
	}
}

// bulk reports whether a row can be one of many: data or a bare ACK.
func bulk(r *Row) bool {
	if isTCP(r) {
		return r.Flags&^(tcp.PSH|tcp.ECE|tcp.CWR|tcp.AE) == tcp.ACK && r.Before == r.After
	}
	return r.Protocol == internet.UDP
}

// tells reports whether a row must be drawn for the sake of a label.
func (f *fold) tells(findings []flow.Finding) (tells bool) {
	for i := range findings {
		if l := findings[i].Label; !quiet(l) && f.told[l] < mostTold {
			f.told[l]++
			tells = true
		}
	}
	return tells
}

// quiet are the labels that come by the hundred where a network is busy, in the wake
// of others.
func quiet(l flow.Label) bool {
	return l == flow.LabelDupACK || l == flow.LabelSACK || l == flow.LabelDSACK || l == flow.LabelWindowUpdate
}
