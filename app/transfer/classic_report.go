package transfer

import (
	"net"
	"time"

	"dialtone/app/bulk"
	"dialtone/app/digest"
)

// classicReport tells of the one file of a classic transfer: in a Meter while
// it runs, in an Event and a Summary at its end.
type classicReport struct {
	began time.Time
	ended func() // of the meter's stream
	meter *Meter
	event func(Event)
	conn  net.Conn
	seen  time.Time // when conn was last asked
	name  string
	moved int64 // bytes of content
	shown *activeFile
	sum   Summary
}

func newClassicReport(c net.Conn, m *Meter, event func(Event)) *classicReport {
	if m == nil {
		m = new(Meter)
	}
	r := &classicReport{began: time.Now(), meter: m, event: event, conn: c}
	m.begin(r.began)
	r.ended = m.streamBegins()
	return r
}

// named tells what is coming, and a second time when its size becomes known,
// which is -1 until then.
func (r *classicReport) named(name string, size int64) {
	if r.name == "" {
		r.meter.named.Add(1)
	}
	r.name = name
	if size >= 0 {
		r.meter.namedBytes.Add(size)
		r.meter.setTotal(1, size)
	}
	r.meter.hide(r.shown)
	r.shown = r.meter.show(name, size, 0)
}

// passed counts n bytes of content.
func (r *classicReport) passed(n int) {
	k := int64(n)
	r.moved += k
	r.shown.done.Add(k)
	r.meter.bytes.Add(k)
	r.meter.sent.Add(k)
	r.meter.compressed.Add(k)
	r.meter.wire.Add(k)
	if now := time.Now(); now.Sub(r.seen) > watchEvery {
		r.seen = now
		if p, ok := bulk.PathOf(r.conn); ok {
			r.meter.setPath(Path{RTT: p.RTT, Retransmitted: int64(p.Retransmitted), Congestion: p.Congestion})
		}
	}
}

// words counts n bytes of names, sizes and answers.
func (r *classicReport) words(n int) {
	r.meter.wire.Add(int64(n))
}

func (r *classicReport) notice(text string) {
	r.tell(Event{Kind: EventNotice, Path: r.name, Text: text})
}

func (r *classicReport) done(final string, sum digest.Sum) {
	r.sum.Files, r.sum.Bytes, r.sum.Sum = 1, r.moved, sum
	r.meter.done.Add(1)
	r.tell(Event{Kind: EventDone, Path: r.name, Final: final, Bytes: r.moved, Sum: sum})
}

func (r *classicReport) skipped(text string) {
	r.sum.Skipped = 1
	r.meter.skipped.Add(1)
	r.tell(Event{Kind: EventSkipped, Path: r.name, Text: text})
}

func (r *classicReport) failed(err error) {
	if r.name == "" { // there is no entry to speak of
		return
	}
	r.sum.Failed, r.sum.Failures = 1, []Failure{{r.name, err}}
	r.meter.failed.Add(1)
	r.tell(Event{Kind: EventFailed, Path: r.name, Err: err})
}

func (r *classicReport) tell(e Event) {
	if r.event != nil {
		r.event(e)
	}
}

// summary closes the report.
func (r *classicReport) summary() Summary {
	r.meter.hide(r.shown)
	r.ended()
	r.meter.fill(&r.sum)
	r.sum.Elapsed = time.Since(r.began)
	return r.sum
}
