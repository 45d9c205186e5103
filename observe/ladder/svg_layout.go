package ladder

import (
	"slices"
	"sort"

	"dialtone/observe/flow"
	"dialtone/transport/tcp"
)

// Measures of a picture from top to bottom, in pixels.
const (
	pitch     = 44.0        // from one row to the next
	ruleSpace = 26.0        // that a phase's name takes
	asideLine = 14.0        // from one line beside it to the next
	maxSlope  = 0.3 * pitch // how far an arrow's end lies from where its frame was captured, at most
	crossing  = 0.7 * pitch // and of SYNs and FINs that crossed on the way
	pause     = int64(1e9)  // nanoseconds of silence that are worth a line
)

// layout is where everything in a picture of a conversation lies from top to bottom.
//
// A frame is captured at one moment; it left one end before and reached the other
// after that. The capture point's distance to an end is half of the shortest round
// trip seen from there, so both moments can be told, and the arrow slopes.
type layout struct {
	y      []float64 // of each row: its capture
	leave  []float64 // the arrow's start and end
	arrive []float64
	lost   []bool // sent again and, as far as the capture shows, never arrived
	states [2][]bar
	rules  []rule
	height float64
}

// bar is a state of an end for a stretch of time.
type bar struct {
	from, to float64
	state    tcp.State
}

// rule is a line between the verticals with a word in it.
type rule struct {
	y     float64
	text  string
	aside []placed // in the column of labels
}

// arrange lays out the given rows of a talk, one beneath the other. folds says how
// many rows have been left out before a row, where any were; they get a line.
func arrange(t *Talk, rows []Row, folds map[int]rule) *layout {
	l := &layout{lost: lostRows(rows)}
	l.place(rows, folds)
	l.slope(t, rows)
	l.bars(rows)
	return l
}

// place puts the rows beneath each other, with a rule where a phase begins, where
// nothing happened for long, and where rows are left out.
func (l *layout) place(rows []Row, folds map[int]rule) {
	y, now := 0.0, phaseNone
	for i := range rows {
		words := ""
		if p := now.next(&rows[i]); p != now && isTCP(&rows[i]) {
			words, now = p.String(), p
		}
		if fold, ok := folds[i]; ok {
			y = l.rule(y, fold)
		} else if i > 0 && rows[i].Time-rows[i-1].Time >= pause {
			y = l.rule(y, rule{text: fineGlyphs.took(rows[i].Time-rows[i-1].Time) + " later"})
		}
		if words != "" {
			y = l.rule(y, rule{text: words})
		}
		l.y = append(l.y, y+pitch/2)
		y += pitch
	}
	if fold, ok := folds[len(rows)]; ok {
		y = l.rule(y, fold)
	}
	l.height = y + 26 // room to name the last states
}

func (l *layout) rule(y float64, r rule) float64 {
	space := max(ruleSpace, asideLine*float64(len(r.aside))+10)
	r.y = y + space/2
	l.rules = append(l.rules, r)
	return y + space
}

// slope finds where each arrow starts and ends.
func (l *layout) slope(t *Talk, rows []Row) {
	delay := delays(t)
	l.leave, l.arrive = slices.Clone(l.y), slices.Clone(l.y)
	if delay == [2]int64{} {
		return
	}
	times := monotone(rows)
	for i, r := range rows {
		left, reached := times[i]-delay[r.From], times[i]+delay[1-r.From]
		l.leave[i] = max(l.at(times, left), l.y[i]-maxSlope)
		l.arrive[i] = min(l.at(times, reached), l.y[i]+maxSlope)
		if i > 0 && crossed(&rows[i-1], &r) && times[i-1]+delay[r.From] > left {
			l.arrive[i-1] += crossing * far(delay, r.From)
			l.leave[i] -= crossing * far(delay, r.From)
		}
	}
}

// delays are the ways from both ends to the capture point, in nanoseconds. A way
// of less than a tenth of the other is none: the capture was made at that end.
func delays(t *Talk) [2]int64 {
	d := [2]int64{t.Ends[1].RTTMin / 2, t.Ends[0].RTTMin / 2}
	for e := range d {
		if d[e] < d[1-e]/10 {
			d[e] = 0
		}
	}
	return d
}

// crossed reports whether two rows may be SYNs or FINs that passed each other.
func crossed(a, b *Row) bool {
	both := a.Flags & b.Flags & (tcp.SYN | tcp.FIN)
	return both != 0 && a.From != b.From && isTCP(a) && isTCP(b)
}

// far is which part of the way between the ends lies between end e and the capture
// point.
func far(delay [2]int64, e int) float64 {
	return float64(delay[e]) / float64(delay[0]+delay[1])
}

// at is the height of a time between the rows around it.
func (l *layout) at(times []int64, t int64) float64 {
	i := sort.Search(len(times), func(i int) bool { return times[i] >= t })
	switch {
	case i == len(times):
		return l.y[i-1] + pitch
	case i == 0 && times[0] == t:
		return l.y[0]
	case i == 0:
		return l.y[0] - pitch
	}
	part := float64(t-times[i-1]) / float64(times[i]-times[i-1])
	return l.y[i-1] + part*(l.y[i]-l.y[i-1])
}

// monotone are the rows' times, where a capture's clock never goes back.
func monotone(rows []Row) []int64 {
	times := make([]int64, len(rows))
	for i := range rows {
		times[i] = rows[i].Time
		if i > 0 {
			times[i] = max(times[i], times[i-1])
		}
	}
	return times
}

// bars turns the states of each row into stretches: a sender's state changes where
// its arrow starts, that of the other end where it arrives.
func (l *layout) bars(rows []Row) {
	for e := range l.states {
		var open bar
		for i := range rows {
			at := l.arrive[i]
			if rows[i].From == e {
				at = l.leave[i]
			}
			if i == 0 {
				open = bar{0, 0, rows[0].Before[e]}
			}
			if after := rows[i].After[e]; after != open.state {
				l.states[e] = appendBar(l.states[e], open, at)
				open = bar{max(at, open.from), 0, after}
			}
		}
		l.states[e] = appendBar(l.states[e], open, l.height)
	}
}

// appendBar ends b at to. A state that is not known has no bar.
func appendBar(list []bar, b bar, to float64) []bar {
	if b.to = max(to, b.from); b.state == 0 || b.to == b.from {
		return list
	}
	return append(list, b)
}

// lostRows tells which rows never arrived as far as the capture shows: a later row
// sent their bytes again, for a reason, and nothing says that it need not have.
func lostRows(rows []Row) []bool {
	lost := make([]bool, len(rows))
	for i := range rows {
		for _, n := range rows[i].Notes {
			if n.Rule != flow.RuleSeenBefore || rows[i].has(flow.LabelSpurious) || !asked(&rows[i]) {
				continue
			}
			k := sort.Search(i, func(k int) bool { return rows[k].Frame >= n.Frames[0] })
			if k < i && rows[k].Frame == n.Frames[0] {
				lost[k] = true
			}
		}
	}
	return lost
}

// asked reports whether a retransmission answers a sign that the first copy was
// lost. After a timeout everything outstanding is sent again, arrived or not.
func asked(r *Row) bool {
	return !slices.ContainsFunc(r.Notes, func(n Note) bool { return n.Rule == flow.RuleTimeoutRecovery })
}
