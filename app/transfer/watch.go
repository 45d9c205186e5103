package transfer

import (
	"context"
	"time"

	"dialtone/app/bulk"
)

const (
	watchEvery  = 250 * time.Millisecond
	statusEvery = 4 // watches

	// A path is lossy when of 1,000 segments this many were sent again. There
	// cubic waits after each loss for a window that bbr does not give up.
	lossyPerMille = 2
	lossySegments = 100                  // sent, before loss is judged
	lossyRTT      = 2 * time.Millisecond // below, loss is repaired before it hurts

	slowRate = 150 << 20            // bytes/s on all streams; below, compressing is faster than the path
	slowRTT  = 2 * time.Millisecond // a path that is longer counts as slow until it has shown its rate
	growRate = 1.1                  // a stream more must bring so much

	secondStream = 16 << 20 // bytes waiting that are worth another connection
	probeMost    = 8
	growStep     = 600 * time.Millisecond // to see what it brings
)

// watch looks at the connections a few times a second: it tells the other end
// where time goes, asks for bbr on a lossy path, and keeps the meter's picture.
func (s *sender) watch(ctx context.Context) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	var before Snapshot
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		s.lookAtPaths()
		if n%statusEvery != 0 {
			continue
		}
		now := s.meter.Snapshot()
		sent := float64(now.Compressed-before.Compressed) / (now.Elapsed - before.Elapsed).Seconds()
		before = now
		s.slow.Store(sent < slowRate && now.Sent > 0 && (now.Limit == LimitNetwork || s.slow.Load()))
		st := s.meter.shares()
		s.out.put(frameStatus, func(b []byte, _ bool) []byte { return st.append(b) })
	}
}

// lookAtPaths asks the kernel how the connections do.
func (s *sender) lookAtPaths() {
	var all Path
	var busy, held time.Duration // since the last look: with something to send; of that, with the receiver's window full
	for i, l := range s.allLinks() {
		p, ok := bulk.PathOf(l.c)
		if !ok {
			return
		}
		if i == 0 {
			all.RTT, all.Congestion = p.RTT, p.Congestion
		}
		all.Retransmitted += p.SegmentsRetransmitted
		busy += p.Busy - l.seen.Busy
		held += p.RwndLimited - l.seen.RwndLimited
		l.seen = p
		if p.Congestion != "bbr" && !l.asked && p.MinRTT >= lossyRTT && p.SegmentsSent > lossySegments &&
			p.SegmentsRetransmitted*1000 > p.SegmentsSent*lossyPerMille {
			l.asked = true
			_ = bulk.SetCongestion(l.c, "bbr") // not every kernel has it, and then nothing is lost
		}
	}
	if busy > 0 {
		s.meter.held.Store(int64(held * 1000 / busy))
	}
	s.meter.setPath(all)
}

// grow opens further connections while each brings more than the last.
func (s *sender) grow(ctx context.Context) error {
	var terms accept
	select {
	case <-ctx.Done():
		return nil
	case terms = <-s.terms:
	}
	if p, ok := bulk.PathOf(s.first.c); ok {
		s.slow.Store(p.MinRTT >= slowRTT)
	}
	most := int(min(max(terms.streams, 1), MaxStreams))
	if terms.ordered {
		most = 1
	}
	if s.opt.Streams > 0 {
		return s.dial(ctx, min(s.opt.Streams, most)-1)
	}
	return s.probe(ctx, most)
}

// probe adds connections as long as that pays: a second one so that reading here
// and writing there go on while the other waits, and more while the path is the
// limit and each brings more.
func (s *sender) probe(ctx context.Context, most int) error {
	for s.waiting() < secondStream { // not worth a connection yet
		if !pause(ctx, 20*time.Millisecond) {
			return nil
		}
	}
	for n, rate := 1, 0.0; n < min(most, probeMost); n++ {
		if err := s.dial(ctx, 1); err != nil {
			return err
		}
		if !pause(ctx, growStep) { // until it is under way
			return nil
		}
		before, began := s.meter.sent.Load(), time.Now()
		if !pause(ctx, growStep) {
			return nil
		}
		now := float64(s.meter.sent.Load()-before) / time.Since(began).Seconds()
		p, _ := bulk.PathOf(s.first.c)
		if now < rate*growRate || p.MinRTT < slowRTT || s.waiting() < secondStream {
			return nil
		}
		rate = now
	}
	return nil
}

// pause waits and reports whether the transfer goes on.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// dial adds n connections to the transfer; a sender that cannot dial asks the
// other end to.
func (s *sender) dial(ctx context.Context, n int) error {
	if n <= 0 {
		return nil
	}
	if !s.session.Dialed() {
		s.out.put(frameStreams, func(b []byte, _ bool) []byte { return totals{files: int64(n)}.append(b) })
	}
	for range n {
		open := s.session.Open
		if !s.session.Dialed() {
			open = s.session.AcceptStream
		}
		c, err := open(ctx)
		if err != nil {
			return nil // one connection fewer is no failure
		}
		s.addLink(ctx, c)
	}
	return nil
}
