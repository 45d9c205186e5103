package capture

import (
	"sync"
	"time"

	"dialtone/link"
)

// A Recorder makes records of what hosts and cables of our own send and get, as a
// sniffer at that place would: what is in a file, on an interface or on a simulated
// cable is then followed, drawn and written in the same way.
//
//	tracker := flow.New(flow.Config{})
//	recorder := capture.NewRecorder(func(r *capture.Record) {
//		capture.Decode(r, &packet)
//		tracker.Add(&packet) // or a PcapngWriter's Write(r)
//	})
//	cable := sim.NewCable(sim.Config{TapA: recorder.Tap(0)})           // at an end of a cable
//	h := host.New("h", host.Attach(recorder.Port(0, device), address)) // or between a host and its link
type Recorder struct {
	mu     sync.Mutex
	see    func(*Record)
	record Record
}

// NewRecorder returns a recorder that shows see one record after the other, each valid
// during the call. see is called while a frame is under way: it must not call the host
// or the cable.
func NewRecorder(see func(*Record)) *Recorder {
	return &Recorder{see: see, record: Record{Link: LinkEthernet, Offset: -1}}
}

// Close ends it: nothing is shown any more when Close has returned, so that a file can be
// flushed.
func (r *Recorder) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.see = nil
}

// Tap is for TapA or TapB of a sim.Config: the records are of the interface that has
// this number, and of the cable's own time.
func (r *Recorder) Tap(number int) func(at time.Time, sent bool, frame []byte) {
	return func(at time.Time, sent bool, frame []byte) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.showLocked(number, at, sent, frame, 0)
	}
}

// Port returns a Port in front of another, for a host to be attached to. Frames whose
// checksum is left to the link, or that it has yet to cut, are recorded so, as a
// sniffer on a machine with such a device sees them.
func (r *Recorder) Port(number int, port link.Port) link.Port {
	return &recordedPort{Port: port, recorder: r, number: number}
}

func (r *Recorder) showLocked(number int, at time.Time, sent bool, frame []byte, hints Hints) {
	if r.see == nil {
		return
	}
	if sent {
		hints |= HintOut
	}
	r.record.Number++
	r.record.Time, r.record.Interface = at.UnixNano(), number
	r.record.Data, r.record.Wire, r.record.Hints = frame, len(frame), hints
	r.see(&r.record)
	r.record.Data = nil
}

// recordedPort is a Port with a recorder in front.
type recordedPort struct {
	link.Port
	recorder *Recorder
	number   int
}

// FillsChecksums implements [link.ChecksumFiller].
func (p *recordedPort) FillsChecksums() bool { return link.FillsChecksums(p.Port) }

func (p *recordedPort) Send(frames []*link.Frame) {
	p.show(frames, true)
	p.Port.Send(frames)
}

func (p *recordedPort) Attach(input func([]*link.Frame)) {
	if input == nil {
		p.Port.Attach(nil)
		return
	}
	p.Port.Attach(func(frames []*link.Frame) {
		p.show(frames, false)
		input(frames)
	})
}

func (p *recordedPort) show(frames []*link.Frame, sent bool) {
	p.recorder.mu.Lock()
	defer p.recorder.mu.Unlock()
	now := time.Now()
	for _, f := range frames {
		p.recorder.showLocked(p.number, now, sent, f.Data, hintsOfOffload(&f.Offload))
	}
}

// hintsOfOffload is what a capturing kernel would say of a frame.
func hintsOfOffload(o *link.Offload) (h Hints) {
	switch o.Checksum {
	case link.ChecksumPartial:
		h = HintPartial
	case link.ChecksumGood:
		h = HintGood
	}
	if o.SegmentSize != 0 {
		h |= HintSuper
	}
	return h
}
