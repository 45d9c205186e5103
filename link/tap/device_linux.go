package tap

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"dialtone/link"
	"dialtone/link/netns"
)

// Device is an open TAP device: a [link.Port] whose other end is the kernel's.
type Device struct {
	name   string
	mtu    int
	buffer int // bytes of the longest frame
	file   *os.File
	raw    syscall.RawConn
	done   chan struct{} // closed when the reader has ended

	sending sync.Mutex
	out     []*link.Frame // of the Send that is running
	parts   []unix.Iovec  // of the train that is being written
	trains  bool          // are made of frames
	write   func(fd uintptr)

	receiving sync.Mutex // held while input runs
	input     func([]*link.Frame)

	sent, received, refused, malformed atomic.Uint64
	supersSent, supersReceived         atomic.Uint64
}

// Open opens the device, makes it if there is none of that name, and sets it up. One
// that Open has made is gone with Close.
func Open(c Config) (*Device, error) {
	d := &Device{done: make(chan struct{})}
	err := netns.Namespace(c.Netns).Do(func() error { return d.open(c) })
	if err != nil {
		return nil, fmt.Errorf("open TAP device %s: %w", c.Name, err)
	}
	d.write = d.writeAll
	go d.read()
	return d, nil
}

// Name returns the name of the kernel's interface.
func (d *Device) Name() string { return d.name }

// MTU implements [link.Port].
func (d *Device) MTU() int { return d.mtu }

// FillsChecksums implements [link.ChecksumFiller]: the kernel does.
func (d *Device) FillsChecksums() bool { return true }

// Counts returns what the device has done until now.
func (d *Device) Counts() Counts {
	return Counts{
		Sent: d.sent.Load(), Received: d.received.Load(), Refused: d.refused.Load(), Malformed: d.malformed.Load(),
		SupersSent: d.supersSent.Load(), SupersReceived: d.supersReceived.Load(),
	}
}

// Close closes the device and waits until no receiver runs any more. It must not be
// called by one.
func (d *Device) Close() error {
	err := d.file.Close()
	<-d.done
	return err
}

// Attach implements [link.Port].
func (d *Device) Attach(input func([]*link.Frame)) {
	d.receiving.Lock()
	defer d.receiving.Unlock()
	d.input = input
}

// Send implements [link.Port].
func (d *Device) Send(frames []*link.Frame) {
	d.sending.Lock()
	defer d.sending.Unlock()
	d.out = frames
	if d.raw.Control(d.write) != nil { // closed
		d.refused.Add(uint64(len(frames)))
		link.FreeAll(frames)
	}
	d.out = nil
}

func (d *Device) writeAll(fd uintptr) {
	for frames := d.out; len(frames) > 0; {
		n, headers := 1, 0
		if d.trains {
			n, headers = trainOf(frames)
		}
		d.writeSome(int(fd), frames[:n], headers)
		frames = frames[n:]
	}
}

// writeSome writes a frame, or a train of several.
func (d *Device) writeSome(fd int, frames []*link.Frame, headers int) {
	var err error
	if len(frames) > 1 {
		err = d.writeTrain(fd, frames, headers)
	} else {
		pushHeader(frames[0])
		_, err = unix.Write(fd, frames[0].Data)
	}
	count := &d.sent
	if err != nil {
		count = &d.refused
	} else if len(frames) > 1 {
		d.supersSent.Add(1)
	}
	count.Add(uint64(len(frames)))
	link.FreeAll(frames)
}

// mostBatch is how many frames are read before they are handed on.
const mostBatch = 64

// read is the reader: it waits for frames and hands them on.
func (d *Device) read() {
	defer close(d.done)
	batch := make([]*link.Frame, 0, mostBatch)
	var failed error
	take := func(fd uintptr) (done bool) {
		batch, failed = d.take(int(fd), batch[:0])
		return len(batch) > 0 || failed != nil
	}
	for failed == nil && d.raw.Read(take) == nil {
		d.hand(batch)
	}
}

// take reads what there is, a batch at most.
func (d *Device) take(fd int, batch []*link.Frame) ([]*link.Frame, error) {
	for len(batch) < mostBatch {
		f := link.NewFrame(d.buffer)
		f.Prepend(vnetLen)
		n, err := unix.Read(fd, f.Data)
		switch {
		case err == nil:
			f.Data = f.Data[:n]
			batch = d.accept(batch, f)
		case errors.Is(err, unix.EAGAIN):
			f.Free()
			return batch, nil
		case errors.Is(err, unix.EINTR):
			f.Free()
		default: // the interface has been taken away
			f.Free()
			return batch, err
		}
	}
	return batch, nil
}

// accept adds a frame to the batch as it has been read.
func (d *Device) accept(batch []*link.Frame, f *link.Frame) []*link.Frame {
	if !popHeader(f) {
		d.malformed.Add(1)
		f.Free()
		return batch
	}
	if f.Offload.SegmentSize != 0 {
		d.supersReceived.Add(1)
	}
	if len(f.Data) <= smallFrame && d.buffer > smallFrame { // let nobody hold 64 KiB for an acknowledgement
		small := f.Clone()
		f.Free()
		f = small
	}
	return append(batch, f)
}

// smallFrame is the longest that is not worth a buffer above that for an MTU of 1500.
const smallFrame = 1518

func (d *Device) hand(batch []*link.Frame) {
	d.receiving.Lock()
	defer d.receiving.Unlock()
	d.received.Add(uint64(len(batch)))
	if d.input == nil || len(batch) == 0 {
		link.FreeAll(batch)
		return
	}
	d.input(batch)
}
