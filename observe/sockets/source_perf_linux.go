package sockets

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// perfSource are the kernel's own records of the tracepoint sock:inet_sock_set_state, for
// kernels without BTF: a perf event on every processor, whose fields tracefs describes. It
// has no network namespace in it, and no cookie.
type perfSource struct {
	rings  []*perfRing
	format perfFormat
	skew   time.Duration
	held   []event        // that others, of other processors, may yet come before
	names  map[int]string // of processes, which may have ended
	polls  []unix.PollFd
}

const (
	perfRoom   = 32 << 20              // bytes of records, on all processors
	perfSettle = 5 * time.Millisecond  // until records are in order
	perfIdle   = 20 * time.Millisecond // until the rings are looked into, unless one is half full
)

// tracefsPlaces are where tracefs is, if it is mounted.
var tracefsPlaces = [...]string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}

// openPerf needs CAP_PERFMON, and a tracefs that it may read: at a place, or "" for the
// usual ones.
func openPerf(tracefs string) (s *perfSource, err error) {
	s = &perfSource{skew: monotonicSkew()}
	places := tracefsPlaces[:]
	if tracefs != "" {
		places = []string{tracefs}
	}
	s.names = map[int]string{}
	var id uint64
	for _, place := range places {
		if id, s.format, err = tracepoint(filepath.Join(place, "events/sock/inet_sock_set_state")); err == nil {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	pages := 1
	for 2*pages*os.Getpagesize()*runtime.NumCPU() <= perfRoom {
		pages *= 2
	}
	for cpu := range runtime.NumCPU() {
		r, err := openPerfRing(id, cpu, pages)
		if errors.Is(err, unix.ENODEV) {
			continue // this processor is off
		}
		if err != nil {
			s.close()
			return nil, fmt.Errorf("open perf event: %w", err)
		}
		s.rings = append(s.rings, r)
	}
	return s, nil
}

func (s *perfSource) sight() Sight {
	return Sight{Name: Tracepoint, Exact: true, Blind: []string{
		"changes in other network namespaces are among them",
		"half-open requests and the end of TIME_WAIT are looked for in the table",
	}}
}

func (s *perfSource) lost() (n uint64) {
	for _, r := range s.rings {
		n += r.lost()
	}
	return n
}

func (s *perfSource) close() error {
	var err error
	for _, r := range s.rings {
		err = errors.Join(err, unix.Munmap(r.memory), unix.Close(r.fd))
	}
	s.rings = nil
	return err
}

func (s *perfSource) read(until time.Time, each func(*event)) error {
	for {
		before := time.Now().Add(-perfSettle) // what was before is in the rings, on all processors
		for _, r := range s.rings {
			r.drain(s.take)
		}
		s.settle(before, each)
		left := time.Until(until)
		if left <= 0 {
			return nil
		}
		left = min(left, perfIdle)
		if len(s.held) > 0 {
			left = min(left, perfSettle)
		}
		polls := s.polls[:0]
		for _, r := range s.rings {
			polls = append(polls, unix.PollFd{Fd: int32(r.fd), Events: unix.POLLIN})
		}
		s.polls = polls
		if _, err := unix.Poll(polls, int((left+time.Millisecond-1)/time.Millisecond)); err != nil && !errors.Is(err, unix.EINTR) {
			return os.NewSyscallError("poll", err)
		}
	}
}

// settle hands on what is older than a time, in order.
func (s *perfSource) settle(before time.Time, each func(*event)) {
	slices.SortStableFunc(s.held, func(a, b event) int { return a.At.Compare(b.At) })
	n := 0
	for n < len(s.held) && s.held[n].At.Before(before) {
		each(&s.held[n])
		n++
	}
	s.held = slices.Delete(s.held, 0, n)
}

// take takes a record.
func (s *perfSource) take(kind uint32, body []byte) {
	switch {
	case kind == perfRecordSample:
		if e, ok := s.parse(body); ok {
			s.held = append(s.held, e)
		}
	case kind == perfRecordComm && len(body) > 8: // process, thread, name
		if pid := binary.NativeEndian.Uint32(body); pid == binary.NativeEndian.Uint32(body[4:]) {
			name, _, _ := bytes.Cut(body[8:], []byte{0})
			s.remember(int(pid), string(name))
		}
	}
}

// parse reads a sample: process and thread, time, the length of the fields, the fields.
func (s *perfSource) parse(b []byte) (e event, ok bool) {
	const fieldsAt = 20
	f := &s.format
	if len(b) < fieldsAt+f.length {
		return e, false
	}
	e.At = time.Unix(0, int64(binary.NativeEndian.Uint64(b[8:]))).Add(s.skew)
	pid := int(binary.NativeEndian.Uint32(b))
	b = b[fieldsAt:]
	family := uint8(f.family.number(b))
	if f.protocol.number(b) != unix.IPPROTO_TCP || family != familyINET && family != familyINET6 {
		return e, false
	}
	e.handle = f.handle.number(b)
	e.From, e.To = kernelState("tcp", uint8(f.from.number(b))), kernelState("tcp", uint8(f.to.number(b)))
	local, remote := f.source.bytes(b), f.target.bytes(b)
	if family == familyINET6 {
		local, remote = f.source6.bytes(b), f.target6.bytes(b)
	}
	var port [2]byte
	binary.BigEndian.PutUint16(port[:], uint16(f.sourcePort.number(b)))
	e.Local = addrPort(family, local, port[:])
	if n := f.targetPort.number(b); n != 0 {
		binary.BigEndian.PutUint16(port[:], uint16(n))
		e.Remote = addrPort(family, remote, port[:])
	}
	if e.byCall() {
		e.Process = Process{PID: pid, Name: s.name(pid)}
	}
	return e, true
}

// name is what a process calls itself, or called itself before it ended.
func (s *perfSource) name(pid int) string {
	name, ok := s.names[pid]
	if !ok {
		text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
		name = string(bytes.TrimSuffix(text, []byte("\n")))
		s.remember(pid, name)
	}
	return name
}

func (s *perfSource) remember(pid int, name string) {
	if len(s.names) > 4096 {
		clear(s.names)
	}
	s.names[pid] = name
}
