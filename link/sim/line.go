package sim

import (
	"slices"
	"time"
)

// line is what bits are sent down one after the other: a direction's own, or of a
// half-duplex cable's both. Times are exact: what is left of a nanosecond is kept for
// the next frame.
type line struct {
	free   time.Duration   // when it has sent all that it was given
	rest   int64           // of the last division by the rate
	last   *Direction      // whose frame it sends last
	starts []time.Duration // when it begins with those that wait, where they are counted
}

// send gives the line a frame of so many bytes, and says when its last bit will have
// been sent; not ok if too much waits already.
func (l *line) send(now time.Duration, d *Direction, size int) (sent time.Duration, ok bool) {
	c := &d.config
	if c.Rate == 0 {
		return now, true
	}
	silent := l.free
	if l.last != nil && l.last != d { // half-duplex: the last bit must have arrived
		silent += l.last.config.Delay
	}
	start := max(now, silent)
	if !l.room(now, start, c, size) {
		return 0, false
	}
	bits := int64(size)*8*int64(time.Second) + l.rest
	l.rest = bits % c.Rate
	l.free = start + time.Duration(bits/c.Rate)
	l.last = d
	return l.free, true
}

// room says whether a frame may wait from now to start, and remembers that it does.
func (l *line) room(now, start time.Duration, c *Config, size int) bool {
	if start == now {
		return true
	}
	if waiting := (start - now).Seconds() * float64(c.Rate) / 8; waiting+float64(size) > float64(c.Queue) {
		return false
	}
	if c.QueueFrames == 0 {
		return true
	}
	begun, _ := slices.BinarySearch(l.starts, now+1)
	l.starts = slices.Delete(l.starts, 0, begun)
	if len(l.starts) >= c.QueueFrames {
		return false
	}
	l.starts = append(l.starts, start)
	return true
}
