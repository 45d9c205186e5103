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
	"strings"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// perfSource are the kernel's own records of the tracepoint sock:inet_sock_set_state, for
// kernels without BTF: a perf event on every processor, whose fields tracefs describes. It
// has no network namespace in it, and no cookie.
type perfSource struct {
	rings  []*perfRing
	format map[string]perfField
	skew   time.Duration
	held   []event // that others, of other processors, may yet come before
	misses uint64
}

// perfRing is the memory that the kernel writes one processor's records into.
type perfRing struct {
	fd     int
	memory []byte // a page of struct perf_event_mmap_page, then records
}

// perfField is where a field lies in a record.
type perfField struct{ offset, size int }

const (
	perfPages  = 512 // of records, on each processor: a power of two
	perfSettle = 5 * time.Millisecond

	perfHead = 1024 // data_head in struct perf_event_mmap_page
	perfTail = 1032 // data_tail

	perfRecordLost   = 2
	perfRecordSample = 9
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
	var id uint64
	for _, place := range places {
		if id, s.format, err = tracepoint(filepath.Join(place, "events/sock/inet_sock_set_state")); err == nil {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	for cpu := range runtime.NumCPU() {
		r, err := openPerfRing(id, cpu)
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

// tracepoint reads a tracepoint's number and its fields from its folder in tracefs.
func tracepoint(dir string) (id uint64, fields map[string]perfField, err error) {
	text, err := os.ReadFile(filepath.Join(dir, "id"))
	if err != nil {
		return 0, nil, err
	}
	if id, err = strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64); err != nil {
		return 0, nil, err
	}
	format, err := os.ReadFile(filepath.Join(dir, "format"))
	if err != nil {
		return 0, nil, err
	}
	fields = parseFormat(string(format))
	for _, name := range []string{"skaddr", "oldstate", "newstate", "sport", "dport", "family", "protocol", "saddr", "daddr", "saddr_v6", "daddr_v6"} {
		if _, ok := fields[name]; !ok {
			return 0, nil, fmt.Errorf("tracepoint has no field %s", name)
		}
	}
	return id, fields, nil
}

// parseFormat reads lines such as
//
//	field:__u8 saddr[4];	offset:32;	size:4;	signed:0;
func parseFormat(text string) map[string]perfField {
	fields := map[string]perfField{}
	for line := range strings.Lines(text) {
		declared, rest, ok := strings.Cut(strings.TrimSpace(line), ";")
		words := strings.Fields(strings.TrimPrefix(declared, "field:"))
		if !ok || len(words) < 2 {
			continue
		}
		name, _, _ := strings.Cut(words[len(words)-1], "[")
		var f perfField
		if n, _ := fmt.Sscanf(strings.Join(strings.Fields(rest), " "), "offset:%d; size:%d;", &f.offset, &f.size); n == 2 && f.offset >= 0 && f.size > 0 && f.offset+f.size < 1<<12 {
			fields[name] = f
		}
	}
	return fields
}

func openPerfRing(id uint64, cpu int) (*perfRing, error) {
	attr := unix.PerfEventAttr{
		Type: unix.PERF_TYPE_TRACEPOINT, Config: id, Sample: 1, Wakeup: 1,
		Sample_type: unix.PERF_SAMPLE_TID | unix.PERF_SAMPLE_TIME | unix.PERF_SAMPLE_RAW,
		Bits:        unix.PerfBitUseClockID, Clockid: unix.CLOCK_MONOTONIC,
	}
	attr.Size = uint32(unsafe.Sizeof(attr))
	fd, err := unix.PerfEventOpen(&attr, -1, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	memory, err := unix.Mmap(fd, 0, (1+perfPages)*os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return &perfRing{fd, memory}, nil
}

func (s *perfSource) sight() Sight {
	return Sight{Name: Tracepoint, Exact: true, Blind: []string{
		"changes in other network namespaces are among them",
		"half-open requests and the end of TIME_WAIT are looked for in the table",
	}}
}

func (s *perfSource) lost() uint64 { return s.misses }

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
		for _, r := range s.rings {
			r.drain(s.record)
		}
		s.settle(time.Now().Add(-perfSettle), each)
		left := time.Until(until)
		if left <= 0 {
			return nil
		}
		if len(s.held) > 0 {
			left = min(left, perfSettle)
		}
		var polls []unix.PollFd
		for _, r := range s.rings {
			polls = append(polls, unix.PollFd{Fd: int32(r.fd), Events: unix.POLLIN})
		}
		if len(s.held) > 0 {
			polls = nil // only wait
		}
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

// drain hands on the records that are there. Head and tail are bytes since ever.
func (r *perfRing) drain(each func(kind uint32, body []byte)) {
	page := os.Getpagesize()
	head := (*uint64)(unsafe.Pointer(&r.memory[perfHead]))
	tail := (*uint64)(unsafe.Pointer(&r.memory[perfTail]))
	data := r.memory[page:]
	at, end := *tail, atomic.LoadUint64(head)
	var whole []byte
	for at < end {
		start := int(at % uint64(len(data)))
		size := int(binary.NativeEndian.Uint16(data[start+6:])) // a header, of 8 bytes, is never cut
		if size < 8 {
			break
		}
		record := data[start:min(start+size, len(data))]
		if len(record) < size { // around the end
			whole = append(append(whole[:0], record...), data[:size-len(record)]...)
			record = whole
		}
		each(binary.NativeEndian.Uint32(record), record[8:])
		at += uint64(size)
	}
	atomic.StoreUint64(tail, end)
}

// record takes one record.
func (s *perfSource) record(kind uint32, body []byte) {
	switch {
	case kind == perfRecordLost && len(body) >= 16:
		s.misses += binary.NativeEndian.Uint64(body[8:])
	case kind == perfRecordSample:
		if e, ok := s.parse(body); ok {
			s.held = append(s.held, e)
		}
	}
}

// parse reads a sample: process and thread, time, the length of the fields, the fields.
func (s *perfSource) parse(b []byte) (e event, ok bool) {
	const fieldsAt = 20
	if len(b) < fieldsAt {
		return e, false
	}
	e.At = time.Unix(0, int64(binary.NativeEndian.Uint64(b[8:]))).Add(s.skew)
	pid := int(binary.NativeEndian.Uint32(b))
	b = b[fieldsAt:]
	for _, f := range s.format {
		if f.offset+f.size > len(b) {
			return e, false
		}
	}
	number := func(name string) (n uint64) {
		f := s.format[name]
		for i := range f.size { // little-endian, as all that we build for
			n |= uint64(b[f.offset+i]) << (8 * i)
		}
		return n
	}
	field := func(name string) []byte { f := s.format[name]; return b[f.offset : f.offset+f.size] }
	family := uint8(number("family"))
	if number("protocol") != unix.IPPROTO_TCP || family != familyINET && family != familyINET6 {
		return e, false
	}
	e.handle = number("skaddr")
	e.From, e.To = kernelState("tcp", uint8(number("oldstate"))), kernelState("tcp", uint8(number("newstate")))
	local, remote := field("saddr"), field("daddr")
	if family == familyINET6 {
		local, remote = field("saddr_v6"), field("daddr_v6")
	}
	port := func(name string) []byte { return binary.BigEndian.AppendUint16(nil, uint16(number(name))) }
	e.Local = addrPort(family, local, port("sport"))
	if number("dport") != 0 {
		e.Remote = addrPort(family, remote, port("dport"))
	}
	if e.byCall() {
		name, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm") // it may be gone by now
		e.Process = Process{PID: pid, Name: string(bytes.TrimSuffix(name, []byte("\n")))}
	}
	return e, true
}
