package ladder

import (
	"slices"
	"sort"

	"dialtone/observe/capture"
	"dialtone/observe/flow"
)

// MaxRows is how many rows a Collector keeps unless told otherwise.
const MaxRows = 50_000

// A Collector is a Sink that makes Talks, for pictures. It keeps the rows of the
// first packets, and counts the others.
type Collector struct {
	archive capture.Archive // where frames are read again; nil to keep copies of them
	limit   int
	rows    int
	kept    int // bytes of frames
	talks   []*Talk
	byID    map[int]*Talk
}

// NewCollector returns a Collector of at most limit rows in all conversations
// together, MaxRows for 0. Without an archive it keeps the frames' bytes too.
func NewCollector(archive capture.Archive, limit int) *Collector {
	if limit <= 0 {
		limit = MaxRows
	}
	return &Collector{archive: archive, limit: limit, byID: map[int]*Talk{}}
}

// Event keeps a row.
func (c *Collector) Event(e *flow.Event) error {
	t := c.byID[e.Talk.ID]
	if t == nil {
		if len(c.talks) >= c.limit {
			return nil
		}
		t = &Talk{Origin: e.Talk.First, load: c.load}
		c.byID[e.Talk.ID], c.talks = t, append(c.talks, t)
	}
	t.Conversation = *e.Talk
	if c.rows >= c.limit {
		t.Left++
		return nil
	}
	r := RowOf(e)
	if c.archive == nil {
		r.record = *e.Packet.Record
		r.record.Data = c.keep(r.record.Data)
	}
	c.rows++
	t.Rows = append(t.Rows, r)
	t.settle()
	return nil
}

// maxKept bounds the bytes of frames that a Collector keeps: beyond that, of each
// frame the first ones only.
const maxKept = 64 << 20

func (c *Collector) keep(data []byte) []byte {
	if c.kept+len(data) > maxKept {
		data = data[:min(len(data), minFrame)]
	}
	c.kept += len(data)
	return slices.Clone(data)
}

// settle moves the notes of the last row that are about earlier ones to those.
func (t *Talk) settle() {
	last := &t.Rows[len(t.Rows)-1]
	last.Notes = slices.DeleteFunc(last.Notes, func(n Note) bool {
		if n.Frame == last.Frame || n.Frame == 0 {
			return false
		}
		i := sort.Search(len(t.Rows), func(i int) bool { return t.Rows[i].Frame >= n.Frame })
		if i == len(t.Rows) || t.Rows[i].Frame != n.Frame {
			return false
		}
		t.Rows[i].Notes = append(t.Rows[i].Notes, n)
		return true
	})
}

// Frame keeps nothing: a picture is of a conversation.
func (c *Collector) Frame(*capture.Packet) error { return nil }

// End takes the last word about a conversation.
func (c *Collector) End(talk *flow.Conversation) error {
	if t := c.byID[talk.ID]; t != nil {
		t.Conversation = *talk
	}
	return nil
}

// Talks returns the conversations in the order of their first packets.
func (c *Collector) Talks() []*Talk { return c.talks }

func (c *Collector) load(r *Row) (*capture.Record, error) {
	if c.archive == nil {
		return &r.record, nil
	}
	record, err := c.archive.At(r.Offset)
	if err == nil {
		record.Number = r.Frame
	}
	return record, err
}
