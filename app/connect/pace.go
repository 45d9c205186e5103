package connect

import (
	"io"
	"math"
	"os"
	"sync"
	"time"
)

// pacer waits, and can be interrupted by a read deadline, as [Options.In] asks.
type pacer struct {
	mu   sync.Mutex
	stop chan struct{} // closed by a deadline that has passed
}

// SetReadDeadline interrupts a waiting Read, and all later ones, if t has passed.
// Other deadlines do nothing.
func (p *pacer) SetReadDeadline(t time.Time) error {
	stop := p.stopped()
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.IsZero() || t.After(time.Now()) {
		return nil
	}
	select {
	case <-stop:
	default:
		close(stop)
	}
	return nil
}

func (p *pacer) stopped() chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stop == nil {
		p.stop = make(chan struct{})
	}
	return p.stop
}

// until waits for t.
func (p *pacer) until(t time.Time) error {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-p.stopped():
		return os.ErrDeadlineExceeded
	case <-timer.C:
		return nil
	}
}

// Ticker is an input that says the same again and again: the classic ticking client.
type Ticker struct {
	Text  []byte        // what each Read returns
	Every time.Duration // pause between two of them
	Count int           // how many; 0 or less: no end

	pacer
	rest  []byte
	said  int
	start time.Time
}

// Read returns Text, at its time.
func (t *Ticker) Read(p []byte) (int, error) {
	if len(t.rest) == 0 {
		if t.Count > 0 && t.said >= t.Count {
			return 0, io.EOF
		}
		if t.said == 0 {
			t.start = time.Now()
		}
		if err := t.until(t.start.Add(time.Duration(t.said) * t.Every)); err != nil {
			return 0, err
		}
		t.said++
		t.rest = t.Text
	}
	n := copy(p, t.rest)
	t.rest = t.rest[n:]
	return n, nil
}

// Replay is an input that says what a record has as sent, at the pace of the
// record, a Read for each recorded event.
type Replay struct {
	record *RecordReader
	speed  float64

	pacer
	rest  []byte
	began time.Time // when the replay did
	first time.Time // when the record did
}

// NewReplay returns the input of a recorded conversation. A speed of 1 is the
// recorded pace, 2 twice as fast; 0 or less does not wait at all.
func NewReplay(record *RecordReader, speed float64) *Replay {
	return &Replay{record: record, speed: speed}
}

// Read returns what was sent, at its time, and io.EOF when the recorded input
// or the conversation ended. Errors of the record are *RecordError.
func (r *Replay) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		e, err := r.record.Next()
		if err != nil {
			return 0, err
		}
		if e.Kind == Connected || e.Kind == Received {
			r.due(e.Time)
			continue
		}
		if err := r.until(r.due(e.Time)); err != nil {
			return 0, err
		}
		if e.Kind != Sent {
			return 0, io.EOF
		}
		r.rest = e.Data
		if len(e.Data) == 0 {
			return 0, nil
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// due returns when to do what was done at the recorded time.
func (r *Replay) due(recorded time.Time) time.Time {
	if r.began.IsZero() {
		r.began, r.first = time.Now(), recorded
	}
	if r.speed <= 0 {
		return r.began
	}
	after := float64(recorded.Sub(r.first)) / r.speed
	return r.began.Add(time.Duration(min(after, math.MaxInt64/2)))
}
