package ladder

import (
	"strings"

	"dialtone/observe/flow"
)

// foldRows leaves out of a long conversation what the text ladder leaves out of it
// too. The lines that stand for what is gone are by the index, in what is left, of
// the row that they stand before.
func foldRows(all []Row) (rows []Row, lines map[int]rule) {
	var f fold
	lines = map[int]rule{}
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
	text := countOf(s.segments, "segment") + ", " + bytesText(s.bytes) + " in " + fineGlyphs.took(took)
	if rate := rateText(s.bytes, took); rate != "" {
		text += ", " + rate
	}
	var labels []string
	for _, l := range s.order() {
		labels = append(labels, countText(s.labels[l])+" × "+l.String())
	}
	return rule{text: text, aside: strings.Join(labels, ", ")}
}
