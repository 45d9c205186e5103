package ladder

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"dialtone/app/quantity"
	"dialtone/internet"
)

// What one page takes at most: a browser draws this many smoothly, and loads their
// bytes in a second or two.
const (
	MaxPageRows  = MaxRows  // of all conversations together
	maxPageBytes = 12 << 20 // of frames: beyond that, long ones are cut
	minFrame     = 128      // bytes of a frame that are kept in any case
	maxPageTalks = 5_000    // in the table of conversations
)

// page is the JSON that the script reads. Texts are told once, in Words, and are
// their index everywhere else.
type page struct {
	Notice int         `json:"notice"`
	Heads  []int       `json:"heads"` // of the table of conversations
	Talks  []*pageTalk `json:"talks"`
	Shapes []shape     `json:"shapes"` // of frames' layers
	Words  []string    `json:"words"`

	index   map[string]int // of Words
	shapes  map[string]int // of Shapes, by their JSON
	rows    int            // that there is still room for
	frame   int            // bytes of a frame that are kept
	missing int            // frames whose bytes could not be read
}

// pageTalk is a conversation. One that the page has no room for has no rows, and is
// only in the table.
type pageTalk struct {
	ID    int      `json:"id"`
	Ends  [2]int   `json:"ends"`
	Cells []cell   `json:"cells"`
	Facts [][2]int `json:"facts"` // names and values
	Sent  [2]int64 `json:"sent"`  // bytes of each end
	TCP   bool     `json:"tcp"`
	*pageRows
}

// cell is a text of the table, and the figure to sort it by where it is one.
type cell struct {
	word   int
	figure *int64
}

func (c cell) MarshalJSON() ([]byte, error) { return json.Marshal([2]any{c.word, c.figure}) }

// writeData writes the talks as the page's JSON. json.Marshal escapes <, > and &, so
// that no text can end the script element that it stands in.
func writeData(w io.Writer, talks []*Talk) error {
	p := &page{index: map[string]int{}, shapes: map[string]int{}, rows: MaxPageRows, Shapes: []shape{}}
	p.word("") // has index 0
	p.Talks = make([]*pageTalk, 0, len(talks))
	total, shown := 0, talks[:min(len(talks), maxPageTalks)]
	for _, t := range shown {
		total += len(t.Rows)
	}
	p.frame = max(minFrame, maxPageBytes/max(1, min(total, MaxPageRows)))
	for _, t := range shown {
		p.Talks = append(p.Talks, p.talk(t))
	}
	p.heads()
	p.Notice = p.word(p.notice(len(talks)))
	data, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("the page's data: %w", err)
	}
	_, err = w.Write(data)
	return err
}

// notice says what the page has no room for.
func (p *page) notice(talks int) string {
	if talks == 0 {
		return "There is no conversation in this capture."
	}
	var list []string
	if left := talks - len(p.Talks); left > 0 {
		list = append(list, quantity.CountOf(int64(left), "more conversation")+" not in this page: choose with a filter.")
	}
	without := 0
	for _, t := range p.Talks {
		if t.pageRows == nil {
			without++
		}
	}
	if without > 0 {
		list = append(list, fmt.Sprintf("Only in the table, for want of room: %s.", quantity.CountOf(int64(without), "conversation")))
	}
	if p.missing > 0 {
		list = append(list, "Bytes that could not be read again: those of "+quantity.CountOf(int64(p.missing), "frame")+".")
	}
	return strings.Join(list, " ")
}

// word returns the index of a text.
func (p *page) word(text string) int {
	text = inert(text)
	i, ok := p.index[text]
	if !ok {
		i = len(p.Words)
		p.index[text] = i
		p.Words = append(p.Words, text)
	}
	return i
}

func (p *page) talk(t *Talk) *pageTalk {
	out := &pageTalk{
		ID: t.ID, TCP: t.Protocol == internet.TCP, Facts: [][2]int{},
		Ends: [2]int{p.word(t.Ends[0].Addr.String()), p.word(t.Ends[1].Addr.String())},
		Sent: [2]int64{t.Ends[0].Bytes, t.Ends[1].Bytes},
	}
	for _, f := range factsOf(t) {
		out.Facts = append(out.Facts, [2]int{p.word(f.name), p.word(f.value)})
	}
	out.Cells = p.cells(t)
	if p.rows > 0 {
		out.pageRows = p.rowsOf(t)
	}
	return out
}

// heads names the columns of the table of conversations; cells fills them.
func (p *page) heads() {
	for _, name := range []string{"", "from", "to", "opened", "closed", "packets", "→", "←", "RTT", "sent again", "time"} {
		p.Heads = append(p.Heads, p.word(name))
	}
}

func (p *page) cells(t *Talk) []cell {
	c, a, b := &t.Conversation, &t.Ends[0], &t.Ends[1]
	text := func(s string) cell { return cell{p.word(s), nil} }
	figure := func(s string, n int64) cell { return cell{p.word(s), &n} }
	rtt := ""
	if RTT(c) > 0 {
		rtt = fineGlyphs.took(RTT(c))
	}
	return []cell{
		figure(strconv.Itoa(t.ID), int64(t.ID)), text(a.Addr.String()), text(b.Addr.String()),
		text(c.Opened.String()), text(c.Closed.String()),
		figure(quantity.Count(a.Packets+b.Packets), a.Packets+b.Packets),
		figure(quantity.Bytes(a.Bytes), a.Bytes), figure(quantity.Bytes(b.Bytes), b.Bytes),
		figure(rtt, RTT(c)), figure(quantity.Count(a.Resent+b.Resent), a.Resent+b.Resent),
		figure(fineGlyphs.took(c.Last-c.First), c.Last-c.First),
	}
}
