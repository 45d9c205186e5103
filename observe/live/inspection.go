package live

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"dialtone/observe/sockets"
)

// Sample is what a connection's window was at a time.
type Sample = sockets.Sample

// Detail is what is known of one socket. It never changes.
type Detail struct {
	Row     *Row
	History []sockets.Transition // the last MaxHistory, the oldest first
	Earlier int                  // transitions before those of History

	Samples []Sample // oldest first, since the inspection began; the older, the fewer
	Sampled sockets.Sampled
	Err     error // why there are no more samples, or nil
}

// Inspection samples the window of one connection.
type Inspection struct {
	view  *View
	entry *entry
	stop  context.CancelFunc
	done  sync.WaitGroup

	// Under the view's lock.
	samples []Sample
	sampled sockets.Sampled
	err     error
}

// Inspect begins to sample a connection's window. A socket without one can be inspected,
// too. The error is ErrGone, or that there are MaxInspections already.
func (v *View) Inspect(id uint64) (*Inspection, error) {
	ctx, stop := context.WithCancel(context.Background())
	i := &Inspection{view: v, stop: stop}
	row, err := i.begin(id)
	if err != nil {
		stop()
		return nil, err
	}
	if row.Network == "tcp" && row.Remote.IsValid() {
		i.done.Go(func() { i.run(ctx, row.Socket) })
	}
	return i, nil
}

var errBusy = errors.New("too many connections are inspected at once")

func (i *Inspection) begin(id uint64) (*Row, error) {
	v := i.view
	v.mu.Lock()
	defer v.mu.Unlock()
	i.entry = v.store.entries[id]
	switch {
	case i.entry == nil:
		return nil, ErrGone
	case len(v.inspections) >= MaxInspections:
		return nil, errBusy
	}
	v.inspections[i] = true
	i.looked(v.store.at)
	return i.entry.seen(&v.store), nil
}

// run samples until ctx is done.
func (i *Inspection) run(ctx context.Context, row sockets.Socket) {
	probe, err := i.view.config.Probe(row)
	if err == nil {
		defer probe.Close()
		i.note(probe.Sampled(), nil)
	}
	for err == nil && ctx.Err() == nil {
		err = probe.Read(time.Now().Add(50*time.Millisecond), i.take) // not longer, so that ctx is seen
	}
	if err != nil {
		i.note(sockets.Sampled{}, err)
	}
}

func (i *Inspection) note(sampled sockets.Sampled, err error) {
	i.view.mu.Lock()
	defer i.view.mu.Unlock()
	i.sampled, i.err = sampled, err
}

// take takes a sample from the probe.
func (i *Inspection) take(s Sample) {
	i.view.mu.Lock()
	defer i.view.mu.Unlock()
	if i.add(s) {
		for s := range i.view.subscribers {
			s.signal()
		}
	}
}

// looked takes a sample out of a look at the table: a probe may be silent for long.
func (i *Inspection) looked(now time.Time) {
	if row := i.entry.row; row != nil && row.Info != nil && i.entry.look == i.view.store.looks && !i.entry.newer(now) {
		i.add(row.Info.Sample(now))
	}
}

// spacing is what two samples are apart at least.
const spacing = time.Millisecond

// add keeps a sample. When there is no more room, every other one of the older half goes.
func (i *Inspection) add(s Sample) bool {
	if n := len(i.samples); n > 0 && s.At.Sub(i.samples[n-1].At) < spacing {
		return false
	}
	if len(i.samples) == MaxSamples {
		const half = MaxSamples / 2
		for n := range half / 2 {
			i.samples[n] = i.samples[2*n]
		}
		i.samples = slices.Delete(i.samples, half/2, half)
	}
	i.samples = append(i.samples, s)
	return true
}

// Detail returns what is known now, also when the connection is gone.
func (i *Inspection) Detail() Detail {
	i.view.mu.Lock()
	defer i.view.mu.Unlock()
	d := i.entry.detail(&i.view.store)
	d.Samples, d.Sampled, d.Err = slices.Clone(i.samples), i.sampled, i.err
	return d
}

// Close ends the inspection. It may be called more than once.
func (i *Inspection) Close() {
	i.view.mu.Lock()
	delete(i.view.inspections, i)
	i.view.mu.Unlock()
	i.stop()
	i.done.Wait()
}
