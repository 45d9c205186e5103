package ladder

import (
	"encoding/base64"
	"slices"
	"strconv"

	"dialtone/app/quantity"
	"dialtone/observe/capture"
	"dialtone/observe/flow"
	"dialtone/transport/tcp"
)

// pageRows are a conversation's rows, in columns of one entry a row, and where they
// are drawn.
type pageRows struct {
	Notice int     `json:"notice"`
	Pitch  float64 `json:"pitch"` // pixels of a row, and of all
	Height float64 `json:"height"`

	Number column `json:"number"` // of the frame
	Time   column `json:"time"`   // nanoseconds since Talk.Origin
	From   column `json:"from"`
	What   column `json:"what"`  // the arrow's words
	Text   column `json:"text"`  // what the payload says
	Class  column `json:"class"` // how the row is drawn
	Seq    column `json:"seq"`   // relative, not modulo 2³²; null for no TCP
	Ack    column `json:"ack"`   // likewise; null without ACK
	Take   column `json:"take"`  // sequence space: bytes, SYN and FIN
	Len    column `json:"len"`
	Win    column `json:"win"` // -1 for not known
	Fly    column `json:"fly"`
	RTT    column `json:"rtt"`
	Y      column `json:"y"` // as in layout
	Leave  column `json:"leave"`
	Arrive column `json:"arrive"`
	Wire   column `json:"wire"` // bytes of the frame on the wire

	Lost   []int       `json:"lost"`   // rows
	SACK   [][3]int64  `json:"sack"`   // row, and the edges of a block
	Labels [][6]int    `json:"labels"` // row, the words: label, tone, mark, reason; 1 for beside the arrow, 2 where a narrower one is
	States [2][][4]any `json:"states"` // from, to, and the words: state, kind
	Rules  [][2]any    `json:"rules"`  // height, and what stands there
	Frames []string    `json:"frames"` // captured bytes in base64
	Layers [][]int     `json:"layers"` // a shape, and the words of its values
}

// column is a JSON array of numbers, written as they come.
type column []byte

func (c *column) add(n int64)     { *c = append(strconv.AppendInt(*c, n, 10), ',') }
func (c *column) null()           { *c = append(*c, "null,"...) }
func (c *column) float(f float64) { *c = append(strconv.AppendFloat(*c, f, 'f', 1, 64), ',') }

func (c column) MarshalJSON() ([]byte, error) {
	if len(c) == 0 {
		return []byte("[]"), nil
	}
	return append(append([]byte{'['}, c[:len(c)-1]...), ']'), nil
}

// rowsOf takes as many rows of a talk as there is room for.
func (p *page) rowsOf(t *Talk) *pageRows {
	rows, left := t.Rows, t.Left
	if len(rows) > p.rows {
		left += int64(len(rows) - p.rows)
		rows = rows[:p.rows]
	}
	p.rows -= len(rows)
	out := &pageRows{Pitch: pitch, Lost: []int{}, SACK: [][3]int64{}, Labels: [][6]int{}, Rules: [][2]any{}, Frames: []string{}, Layers: [][]int{}}
	if left > 0 {
		out.Notice = p.word(quantity.CountOf(left, "more segment") + " of this conversation not in this page: choose with a filter.")
	}
	out.place(p, arrange(t, rows, nil), rows)
	var space sequence
	var packet capture.Packet
	for i := range rows {
		r := &rows[i]
		out.figures(p, t, r)
		space.add(out, r, i)
		out.labels(p, r, i)
		out.frame(p, t, r, &packet)
	}
	return out
}

// place tells where everything lies.
func (o *pageRows) place(p *page, l *layout, rows []Row) {
	o.Height = l.height
	for i := range rows {
		o.Y.float(l.y[i])
		o.Leave.float(l.leave[i])
		o.Arrive.float(l.arrive[i])
		o.Class.add(int64(p.word(rowClass(&rows[i], l.lost[i]))))
		if l.lost[i] {
			o.Lost = append(o.Lost, i)
		}
	}
	for e := range l.states {
		o.States[e] = [][4]any{}
		for _, b := range l.states[e] {
			o.States[e] = append(o.States[e], [4]any{b.from, b.to, p.word(b.state.String()), p.word(kindOf(b.state))})
		}
	}
	for _, r := range l.rules {
		o.Rules = append(o.Rules, [2]any{r.y, p.word(r.text)})
	}
}

func (o *pageRows) figures(p *page, t *Talk, r *Row) {
	o.Number.add(r.Frame)
	o.Time.add(max(0, r.Time-t.Origin))
	o.From.add(int64(r.From))
	words := arrowWords(r)
	o.What.add(int64(p.word(fineGlyphs.fit(words, 1000))))
	text := ""
	if r.Text != "" && r.Len > 0 {
		text = speech(r)
	}
	o.Text.add(int64(p.word(text)))
	o.Len.add(int64(r.Len))
	o.Win.add(r.Window)
	o.Fly.add(r.InFlight)
	o.RTT.add(r.RTT)
}

func (o *pageRows) labels(p *page, r *Row, i int) {
	for k := range r.Notes {
		n := &r.Notes[k]
		beside := 0
		switch {
		case slices.ContainsFunc(r.Notes, func(m Note) bool { return finer(&m.Finding, &n.Finding) }):
			beside = 2
		case says(r, n):
			beside = 1
		}
		o.Labels = append(o.Labels, [6]int{i, p.word(noteWord(r, n)), p.word(toneOf(n.Label)), p.word(markOf(n.Label)), p.word(n.Why), beside})
	}
}

// markOf is what stands for a label in the time-sequence graph: tcptrace's letters,
// where it has one. "-" is the tick of a duplicate ACK.
func markOf(l flow.Label) string {
	switch l {
	case flow.LabelSYN, flow.LabelSYNACK, flow.LabelSimultaneous, flow.LabelPortReuse:
		return "SYN"
	case flow.LabelFIN, flow.LabelFinalFIN, flow.LabelCrossedFIN:
		return "FIN"
	case flow.LabelReset, flow.LabelRefused:
		return "RST"
	case flow.LabelRetransmission, flow.LabelTimeoutRetransmission, flow.LabelFastRetransmission, flow.LabelTailLossProbe:
		return "R"
	case flow.LabelOutOfOrder:
		return "O"
	case flow.LabelDuplicate:
		return "D"
	case flow.LabelDupACK:
		return "-"
	case flow.LabelZeroWindow:
		return "Z"
	case flow.LabelZeroWindowProbe:
		return "P"
	case flow.LabelWindowFull:
		return "F"
	case flow.LabelKeepAlive:
		return "K"
	case flow.LabelChecksumBad:
		return "C"
	}
	return ""
}

// sequence makes of relative numbers, which are modulo 2³², ones that grow on.
type sequence struct{ last [2]int64 } // of each end's bytes

func (s *sequence) add(o *pageRows, r *Row, i int) {
	if !isTCP(r) {
		o.Seq.null()
		o.Ack.null()
		o.Take.add(0)
		return
	}
	take := int64(r.Len)
	for _, flag := range [...]tcp.Flags{tcp.SYN, tcp.FIN} {
		if r.Flags&flag != 0 {
			take++
		}
	}
	o.Seq.add(s.unwrap(r.From, r.Seq))
	o.Take.add(take)
	if r.Flags&tcp.ACK == 0 {
		o.Ack.null()
		return
	}
	o.Ack.add(s.unwrap(1-r.From, r.Ack))
	for _, b := range r.SACK {
		left := s.near(1-r.From, b[0])
		o.SACK = append(o.SACK, [3]int64{int64(i), left, left + int64(b[1]-b[0])})
	}
}

// unwrap is n as the number nearest to the last one of that end's bytes.
func (s *sequence) unwrap(end int, n uint32) int64 {
	s.last[end] = s.near(end, n)
	return s.last[end]
}

func (s *sequence) near(end int, n uint32) int64 {
	return s.last[end] + int64(int32(n-uint32(s.last[end])))
}

// frame adds a row's bytes, as many as there is room for, and its layers.
func (o *pageRows) frame(p *page, t *Talk, r *Row, packet *capture.Packet) {
	record, err := t.Frame(r)
	if err != nil {
		p.missing++
		o.Wire.add(0)
		o.Frames, o.Layers = append(o.Frames, ""), append(o.Layers, nil)
		return
	}
	capture.Decode(record, packet)
	packet.Verify()
	o.Wire.add(int64(record.Wire))
	o.Frames = append(o.Frames, base64.StdEncoding.EncodeToString(record.Data[:min(len(record.Data), p.frame)]))
	o.Layers = append(o.Layers, p.layers(Layers(packet)))
}
