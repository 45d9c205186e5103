package sockets

import (
	"encoding/binary"
	"errors"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// perfRing is the memory that the kernel writes one processor's records into.
type perfRing struct {
	fd     int
	memory []byte // a page of struct perf_event_mmap_page, then records
	counts bool   // the kernel says at any time how many records had no room (since Linux 6.0)
	misses uint64 // where it does not: as the records that followed said
}

const (
	perfFormatLost = 1 << 4 // PERF_FORMAT_LOST

	perfHead = 1024 // data_head in struct perf_event_mmap_page
	perfTail = 1032 // data_tail

	perfRecordLost   = 2
	perfRecordComm   = 3 // a program was started, or took another name
	perfRecordSample = 9
)

// openPerfRing opens the records of a tracepoint on one processor, with room for so many
// pages, a power of two.
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

func (r *perfRing) lost() uint64 {
	var b [16]byte // how many records there were, how many had no room
	if n, err := unix.Read(r.fd, b[:]); !r.counts || err != nil || n < len(b) {
		return r.misses
	}
	return binary.NativeEndian.Uint64(b[8:])
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
