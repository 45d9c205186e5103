package transfer

import (
	"time"

	"dialtone/app/digest"
)

// classicReport tells of the one file of a classic transfer: in a Meter while
// it runs, in an Event and a Summary at its end.
type classicReport struct {
	began time.Time
	meter *Meter
	event func(Event)
	file  *activeFile
	sum   Summary
}

func newClassicReport(m *Meter, event func(Event)) *classicReport {
	r := &classicReport{began: time.Now(), meter: m, event: event, file: &activeFile{}}
	if m == nil {
		r.meter = new(Meter)
	}
	r.meter.start.Store(r.began.UnixNano())
	r.meter.streams.Store(1)
	return r
}

// named tells what is coming; size is -1 while nobody knows it.
func (r *classicReport) named(name string, size int64) {
	r.file.path, r.file.size = name, -1
	r.meter.named.Add(1)
	r.meter.total.Store(1)
	if size >= 0 {
		r.sized(size)
	}
	r.meter.mu.Lock()
	r.meter.active = append(r.meter.active, r.file)
	r.meter.mu.Unlock()
}

// sized tells how much is coming.
func (r *classicReport) sized(size int64) {
	r.meter.mu.Lock()
	r.file.size = size
	r.meter.mu.Unlock()
	r.meter.namedBytes.Add(size)
	r.meter.totalBytes.Store(size)
}

// moved counts n bytes of content that have passed.
func (r *classicReport) moved(n int) {
	k := int64(n)
	r.file.done.Add(k)
	r.meter.bytes.Add(k)
	r.meter.sent.Add(k)
	r.meter.compressed.Add(k)
	r.meter.wire.Add(k)
}

// words counts n bytes of names, sizes and answers.
func (r *classicReport) words(n int) {
	r.meter.wire.Add(int64(n))
	r.sum.Wire += int64(n)
}

func (r *classicReport) notice(text string) {
	r.tell(Event{Kind: EventNotice, Path: r.file.path, Text: text})
}

func (r *classicReport) done(final string, sum digest.Sum) {
	bytes := r.file.done.Load()
	r.sum.Files, r.sum.Bytes, r.sum.Sum = 1, bytes, sum
	r.meter.done.Add(1)
	r.tell(Event{Kind: EventDone, Path: r.file.path, Final: final, Bytes: bytes, Sum: sum})
}

func (r *classicReport) skipped(text string) {
	r.sum.Skipped = 1
	r.meter.skipped.Add(1)
	r.tell(Event{Kind: EventSkipped, Path: r.file.path, Text: text})
}

func (r *classicReport) failed(err error) {
	if r.file.path == "" { // there is no entry to speak of
		return
	}
	r.sum.Failed, r.sum.Failures = 1, []Failure{{r.file.path, err}}
	r.meter.failed.Add(1)
	r.tell(Event{Kind: EventFailed, Path: r.file.path, Err: err})
}

func (r *classicReport) tell(e Event) {
	if r.event != nil {
		r.event(e)
	}
}

// summary closes the report.
func (r *classicReport) summary() Summary {
	r.meter.mu.Lock()
	r.meter.active = nil
	r.meter.mu.Unlock()
	moved := r.file.done.Load()
	r.sum.Wire += moved
	r.sum.Sent, r.sum.Compressed = moved, moved
	r.sum.Elapsed = time.Since(r.began)
	return r.sum
}
