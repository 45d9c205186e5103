package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"sync"
	"time"
	"unicode/utf8"

	"dialtone/app/digest"
	"dialtone/app/escape"
	"dialtone/app/transfer"
)

// jsonReport writes events as lines of JSON. doc/transfer.md documents them: a
// field may be added, none is renamed or left out.
type jsonReport struct {
	out  *jsonOutput
	peer *peerFields // nil until somebody is there
	done string
	view pace
	next time.Duration // when progress is due
}

// jsonOutput is where the lines of all sessions go.
type jsonOutput struct {
	mu  sync.Mutex
	w   io.Writer
	now func() time.Time
}

func newJSONOutput(w io.Writer) *jsonOutput { return &jsonOutput{w: w, now: time.Now} }

// object is one line. Its fields stand in the order in which they were added.
type object struct{ buf bytes.Buffer }

func (o *jsonOutput) begin(event string) *object {
	obj := new(object).start()
	obj.field("time", o.now().UTC().Format(time.RFC3339Nano))
	return obj.field("event", event)
}

func (o *object) start() *object {
	o.buf.WriteByte('{')
	return o
}

// writeTo ends the object and writes it as a line, in one write.
func (o *object) writeTo(w io.Writer) error {
	o.buf.WriteString("}\n")
	_, err := w.Write(o.buf.Bytes())
	return err
}

// field adds a field. HTML is left as it is; what cannot be printed is escaped,
// so that a line is safe on a terminal.
func (o *object) field(name string, value any) *object {
	if o.buf.Len() > 1 {
		o.buf.WriteByte(',')
	}
	o.buf.Write(jsonText(name))
	o.buf.WriteByte(':')
	o.buf.Write(jsonText(value))
	return o
}

// text adds a field unless it is empty.
func (o *object) text(name, value string) *object {
	if value == "" {
		return o
	}
	return o.field(name, value)
}

// path adds a path, and its exact bytes where they are not UTF-8.
func (o *object) path(name, path string) *object {
	if path == "" {
		return o
	}
	o.field(name, path)
	if !utf8.ValidString(path) {
		o.field(name+"_base64", base64.StdEncoding.EncodeToString([]byte(path)))
	}
	return o
}

// number adds a field unless the value is not known: below 0.
func (o *object) number(name string, value int64) *object {
	if value < 0 {
		return o
	}
	return o.field(name, value)
}

// sum adds a hash unless there is none.
func (o *object) sum(s digest.Sum) *object {
	if s == (digest.Sum{}) {
		return o
	}
	return o.field("blake3", s.String())
}

func (o *jsonOutput) end(obj *object) {
	o.mu.Lock()
	defer o.mu.Unlock()
	obj.writeTo(o.w) // whoever reads may leave: the transfer goes on
}

func jsonText(value any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return []byte("null")
	}
	return escape.JSON(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

func (r *jsonReport) started(p peerFields) {
	r.peer = &p
	obj := r.begin("connected").field("encrypted", p.Encrypted).text("how", p.How).text("fingerprint", p.Fingerprint)
	r.out.end(obj)
}

// begin makes an object that says whose transfer it is of.
func (r *jsonReport) begin(event string) *object {
	obj := r.out.begin(event)
	if r.peer != nil {
		obj.text("peer", r.peer.Name).text("address", r.peer.Addr)
	}
	return obj
}

func (r *jsonReport) event(e transfer.Event) {
	obj := r.begin(string(e.Kind)).path("path", e.Path).path("final", e.Final)
	switch e.Kind {
	case transfer.EventDone:
		obj.number("bytes", e.Bytes).number("resumed", e.Resumed).sum(e.Sum)
	case transfer.EventSkipped, transfer.EventWould:
		obj.number("bytes", e.Bytes)
	case transfer.EventRepaired:
		obj.number("offset", e.Offset)
	}
	obj.text("text", e.Text)
	if e.Err != nil {
		obj.field("error", e.Err.Error())
	}
	r.out.end(obj)
}

func (r *jsonReport) progress(s transfer.Snapshot) {
	r.view.add(s)
	if s.Elapsed < r.next {
		return
	}
	r.next = s.Elapsed + time.Second
	obj := r.begin("progress").field("seconds", seconds(s.Elapsed)).
		field("files", s.Files).field("skipped", s.Skipped).field("failed", s.Failed).number("total_files", s.TotalFiles).
		field("bytes", s.Bytes).field("skipped_bytes", s.SkippedBytes).number("total_bytes", s.TotalBytes).
		field("rate", int64(r.view.rate()))
	if left, ok := r.view.left(s); ok {
		obj.field("seconds_left", seconds(left))
	}
	obj.text("limit", string(s.Limit)).field("wire", s.Wire).field("streams", s.Streams)
	if s.Path.RTT > 0 {
		obj.field("rtt_ms", float64(s.Path.RTT.Microseconds())/1000).field("retransmitted", s.Path.Retransmitted)
	}
	obj.text("congestion", s.Path.Congestion)
	r.out.end(obj)
}

func (r *jsonReport) ended(s transfer.Summary, err error) {
	obj := r.begin("summary").field("direction", r.done).
		field("files", s.Files).field("folders", s.Folders).field("links", s.Links).
		field("skipped", s.Skipped).field("failed", s.Failed).
		field("bytes", s.Bytes).field("skipped_bytes", s.SkippedBytes).
		field("wire", s.Wire).field("sent", s.Sent).field("compressed", s.Compressed).
		field("repaired", s.Repaired).field("seconds", seconds(s.Elapsed)).sum(s.Sum)
	if err != nil {
		obj.field("error", err.Error()).text("hint", hintFor(err))
	}
	r.out.end(obj)
}

// seconds keeps milliseconds.
func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }
