package sockets

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"
)

// traced is a program of ours behind one of the kernel's raw tracepoints, which writes
// records of one length. It is made here, with the offsets that the running kernel's own
// type information (BTF) gives, and belongs to this process: the kernel takes it away with
// its last descriptor.
type traced struct {
	closers []func() error
	program *ebpf.Program
	ring    *ringbuf.Reader
	drops   *ebpf.Map // one number
	record  ringbuf.Record
	skew    time.Duration // from the kernel's monotonic clock to the time of day
}

// openTraced needs CAP_BPF and CAP_PERFMON, and a kernel with BTF, 5.12 or later. The
// program is written by code, which ends by finish. Room is in bytes, a power of two.
func openTraced(tracepoint string, room uint32, code func(*assembly)) (t *traced, err error) {
	t = &traced{skew: monotonicSkew()}
	defer func() {
		if err != nil {
			t.close()
			t = nil
		}
	}()
	ring, err := t.newMap(&ebpf.MapSpec{Type: ebpf.RingBuf, MaxEntries: room})
	if err != nil {
		return t, err
	}
	if t.drops, err = t.newMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1}); err != nil {
		return t, err
	}
	a := &assembly{ring: ring.FD(), drops: t.drops.FD()}
	if a.spec, err = btf.LoadKernelSpec(); err != nil {
		return t, fmt.Errorf("kernel types: %w", err)
	}
	if code(a); a.err != nil {
		return t, a.err
	}
	t.program, err = ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "dialtone_watch", Type: ebpf.Tracing, AttachType: ebpf.AttachTraceRawTp, AttachTo: tracepoint,
		Instructions: a.code, License: "GPL", // as the helpers ask for
	})
	if err != nil {
		return t, fmt.Errorf("load program: %w", err)
	}
	t.closers = append(t.closers, t.program.Close)
	attached, err := link.AttachTracing(link.TracingOptions{Program: t.program})
	if err != nil {
		return t, fmt.Errorf("attach program: %w", err)
	}
	t.closers = append(t.closers, attached.Close)
	t.ring, err = ringbuf.NewReader(ring)
	return t, err
}

func (t *traced) newMap(spec *ebpf.MapSpec) (*ebpf.Map, error) {
	m, err := ebpf.NewMap(spec)
	if err != nil {
		return nil, fmt.Errorf("make map: %w", err)
	}
	t.closers = append(t.closers, m.Close)
	return m, nil
}

// lost counts records that there was no room for.
func (t *traced) lost() uint64 {
	var n uint64
	if t.drops.Lookup(uint32(0), &n) != nil {
		return 0
	}
	return n
}

func (t *traced) close() error {
	var err error
	if t.ring != nil {
		err = t.ring.Close()
	}
	for i := len(t.closers) - 1; i >= 0; i-- {
		err = errors.Join(err, t.closers[i]())
	}
	t.closers = nil
	return err
}

// read hands on records until a time.
func (t *traced) read(until time.Time, each func(record []byte)) error {
	t.ring.SetDeadline(until)
	for {
		err := t.ring.ReadInto(&t.record)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil
		case err != nil:
			return err
		}
		each(t.record.RawSample)
	}
}

// at is the time of a record whose first eight bytes say so.
func (t *traced) at(record []byte) time.Time {
	return time.Unix(0, int64(binary.NativeEndian.Uint64(record))).Add(t.skew)
}

// monotonicSkew is what the time of day is ahead of the monotonic clock.
func monotonicSkew() time.Duration {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) != nil {
		return 0
	}
	return time.Duration(time.Now().UnixNano() - ts.Nano())
}
