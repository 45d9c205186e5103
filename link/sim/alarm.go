package sim

import (
	"time"

	"dialtone/link"
)

// alarm is a net's timer.
type alarm struct {
	timer   *time.Timer // nil until it is needed
	at      time.Duration
	ringing int // how often it has been set and not rung yet
}

// ringAt sets the alarm, unless it rings before.
func (n *Net) ringAt(at time.Duration) {
	a := &n.alarm
	if a.at <= at {
		return
	}
	a.at = at
	wait := at - n.clock()
	if a.timer == nil {
		a.timer = time.AfterFunc(wait, n.ring)
		a.ringing++
	} else if !a.timer.Reset(wait) {
		a.ringing++
	}
}

func (n *Net) ring() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.alarm.ringing--
	n.alarm.at = link.Never
	if !n.delivering {
		n.delivering = true
		n.deliver(-1)
	}
	n.wake()
}

// silence takes the alarm away, and waits until nobody delivers any more.
func (n *Net) silence() {
	if n.alarm.timer != nil && n.alarm.timer.Stop() {
		n.alarm.ringing--
	}
	n.alarm.at = link.Never
	n.wait(func() bool { return n.alarm.ringing == 0 && !n.delivering })
}
