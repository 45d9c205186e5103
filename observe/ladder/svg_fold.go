package ladder

import (
	"fmt"
	"slices"

	"dialtone/app/quantity"
	"dialtone/observe/flow"
)

// worthFolding is the number of rows beyond which a picture folds: one that is
// shorter shows every one.
const worthFolding = 100

// foldRows leaves out of a long conversation what the text ladder leaves out of it
// too. The lines that stand for what is gone are by the index, in what is left, of
// the row that they stand before.
func foldRows(all []Row) (rows []Row, lines map[int]rule) {
	var f fold
	lines = map[int]rule{}
	if len(all) <= worthFolding {
		return all, lines
	}
	unfold := func() {
		if f.sum.rows() > 0 {
			lines[len(rows)] = foldRule(&f.sum)
		}
		rows = append(rows, f.kept...)
		f.kept, f.sum = f.kept[:0], folded{}
	}
	for i := range all {
		if !f.takes(&all[i], findingsOf(&all[i])) {
			unfold()
			rows = append(rows, all[i])
		}
	}
	unfold()
	return rows, lines
}

func findingsOf(r *Row) []flow.Finding {
	if len(r.Notes) == 0 {
		return nil
	}
	list := make([]flow.Finding, len(r.Notes))
	for i := range r.Notes {
		list[i] = r.Notes[i].Finding
	}
	return list
}

// foldRule says what the rows were that are left out: how much, how fast, and what
// happened among them.
func foldRule(s *folded) rule {
	took := s.last - s.first
	text := quantity.CountOf(s.segments, "segment") + ", " + quantity.Bytes(s.bytes) + " in " + fineGlyphs.took(took)
	if rate := rateText(s.bytes, took); rate != "" {
		text += ", " + rate
	}
	return rule{text: text, aside: s.column()}
}

// maxAside is how many kinds of labels stand beside a line.
const maxAside = 5

// column are the labels of what is left out, those that tell of trouble first.
func (s *folded) column() []placed {
	kinds := s.order()
	slices.SortStableFunc(kinds, func(a, b flow.Label) int { return weight(a) - weight(b) })
	var list []placed
	for _, l := range kinds[:min(len(kinds), maxAside)] {
		list = append(list, placed{word: quantity.Count(s.labels[l]) + " × " + l.String(), tone: toneOf(l)})
	}
	if more := len(kinds) - len(list); more > 0 {
		list[len(list)-1].word += fmt.Sprintf(" +%d more", more)
	}
	for i := range list {
		list[i].shift = asideLine * (float64(i) - float64(len(list)-1)/2)
	}
	return list
}

// weight orders labels by how much trouble they tell of.
func weight(l flow.Label) int {
	return slices.Index([]string{"loss", "order", "window", "note"}, toneOf(l))
}
