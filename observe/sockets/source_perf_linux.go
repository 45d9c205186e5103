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
	format perfFormat
	skew   time.Duration
	held   []event        // that others, of other processors, may yet come before
	names  map[int]string // of processes, which may have ended
	polls  []unix.PollFd
}

// perfRing is the memory that the kernel writes one processor's records into.
type perfRing struct {
	fd     int
	memory []byte // a page of struct perf_event_mmap_page, then records
	counts bool   // the kernel says at any time how many records had no room (since Linux 6.0)
	misses uint64 // where it does not: as the records that followed said
}

// perfField is where a field lies in a record.
type perfField struct{ offset, size int }

// perfFormat are the fields that count.
type perfFormat struct {
	handle, from, to, family, protocol                       perfField
	sourcePort, targetPort, source, target, source6, target6 perfField
	length                                                   int // at least
}

const (
	perfRoom   = 32 << 20 // bytes of records, on all processors
	perfSettle = 5 * time.Millisecond
	perfIdle   = 20 * time.Millisecond // until the rings are looked into, unless one is half full

	perfFormatLost = 1 << 4 // PERF_FORMAT_LOST

	perfHead = 1024 // data_head in struct perf_event_mmap_page
	perfTail = 1032 // data_tail

	perfRecordLost   = 2
	perfRecordComm   = 3 // a program was started, or took another name
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

// tracepoint reads a tracepoint's number and its fields from its folder in tracefs.
func tracepoint(dir string) (id uint64, f perfFormat, err error) {
	text, err := os.ReadFile(filepath.Join(dir, "id"))
	if err != nil {
		return 0, f, err
	}
	if id, err = strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64); err != nil {
		return 0, f, err
	}
	format, err := os.ReadFile(filepath.Join(dir, "format"))
	if err != nil {
		return 0, f, err
	}
	return id, f, f.parse(string(format))
}

// parse reads what parseFormat found.
func (f *perfFormat) parse(text string) error {
	fields := parseFormat(text)
	for name, to := range map[string]*perfField{
		"skaddr": &f.handle, "oldstate": &f.from, "newstate": &f.to, "family": &f.family, "protocol": &f.protocol, "sport": &f.sourcePort,
		"dport": &f.targetPort, "saddr": &f.source, "daddr": &f.target, "saddr_v6": &f.source6, "daddr_v6": &f.target6,
	} {
		ok := false
		if *to, ok = fields[name]; !ok {
			return fmt.Errorf("tracepoint has no field %s", name)
		}
		f.length = max(f.length, to.offset+to.size)
	}
	if f.source.size < 4 || f.target.size < 4 || f.source6.size < 16 || f.target6.size < 16 {
		return errors.New("tracepoint has addresses that are none")
	}
	return nil
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

func openPerfRing(id uint64, cpu, pages int) (*perfRing, error) {
	attr := unix.PerfEventAttr{
		Type: unix.PERF_TYPE_TRACEPOINT, Config: id, Sample: 1,
		Wakeup:      uint32(pages * os.Getpagesize() / 2), // to be woken for each record costs more than the record
		Sample_type: unix.PERF_SAMPLE_TID | unix.PERF_SAMPLE_TIME | unix.PERF_SAMPLE_RAW,
		Bits:        unix.PerfBitUseClockID | unix.PerfBitWatermark | unix.PerfBitComm, Clockid: unix.CLOCK_MONOTONIC,
	}
	attr.Size = uint32(unsafe.Sizeof(attr))
	attr.Read_format = perfFormatLost
	fd, err := unix.PerfEventOpen(&attr, -1, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if errors.Is(err, unix.EINVAL) {
		attr.Read_format = 0
		fd, err = unix.PerfEventOpen(&attr, -1, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
	}
	if err != nil {
		return nil, err
	}
	memory, err := unix.Mmap(fd, 0, (1+pages)*os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return &perfRing{fd: fd, memory: memory, counts: attr.Read_format != 0}, nil
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

func (r *perfRing) lost() uint64 {
	var b [16]byte // how many records there were, how many had no room
	if n, err := unix.Read(r.fd, b[:]); !r.counts || err != nil || n < len(b) {
		return r.misses
	}
	return binary.NativeEndian.Uint64(b[8:])
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

// drain hands on the records that are there. Head and tail are bytes since ever.
func (r *perfRing) drain(take func(kind uint32, body []byte)) {
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
		kind, body := binary.NativeEndian.Uint32(record), record[8:]
		if kind == perfRecordLost && len(body) >= 16 {
			r.misses += binary.NativeEndian.Uint64(body[8:])
		}
		take(kind, body)
		at += uint64(size)
	}
	atomic.StoreUint64(tail, end)
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

func (f perfField) bytes(b []byte) []byte { return b[f.offset : f.offset+f.size] }

func (f perfField) number(b []byte) (n uint64) {
	for i, octet := range f.bytes(b) { // little-endian, as all that we build for
		n |= uint64(octet) << (8 * i)
	}
	return n
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
