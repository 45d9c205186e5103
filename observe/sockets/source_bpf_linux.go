package sockets

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"
)

// bpfSource is a program of ours behind the kernel's raw tracepoint inet_sock_set_state,
// which every change of a TCP socket's state passes. The program is made here, with the
// offsets that the running kernel's own type information (BTF) gives, and belongs to this
// process: the kernel takes it away with its last descriptor.
type bpfSource struct {
	closers []func() error
	program *ebpf.Program
	ring    *ringbuf.Reader
	drops   *ebpf.Map
	record  ringbuf.Record
	skew    time.Duration // from the kernel's monotonic clock to the time of day
}

// ringLen is room for 170,000 events that nobody has read.
const ringLen = 16 << 20

// The record that the program writes for an event.
const (
	atTime    = 0  // ns, monotonic
	atHandle  = 8  // the socket's address
	atCookie  = 16 //
	atProcess = 24 // PID << 32 | TID
	atUID     = 32
	atOld     = 36
	atNew     = 37
	atFamily  = 38 // two bytes
	atPort    = 40 // two bytes, the machine's order
	atPeer    = 42 // two bytes, the network's order
	atLocal   = 48 // 16 bytes
	atRemote  = 64 // 16 bytes
	atName    = 80 // 16 bytes
	recordLen = 96
)

// openBPF needs CAP_BPF and CAP_PERFMON, and a kernel with BTF, 5.12 or later. Of
// network namespaces it sees the one with that inode.
func openBPF(netns uint32) (s *bpfSource, err error) {
	s = &bpfSource{skew: monotonicSkew()}
	defer func() {
		if err != nil {
			s.close()
			s = nil
		}
	}()
	ring, err := s.newMap(&ebpf.MapSpec{Type: ebpf.RingBuf, MaxEntries: ringLen})
	if err != nil {
		return s, err
	}
	if s.drops, err = s.newMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1}); err != nil {
		return s, err
	}
	code, err := bpfProgram(ring.FD(), s.drops.FD(), netns)
	if err != nil {
		return s, err
	}
	s.program, err = ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "dialtone_watch", Type: ebpf.Tracing, AttachType: ebpf.AttachTraceRawTp, AttachTo: "inet_sock_set_state",
		Instructions: code, License: "GPL", // as the helpers ask for
	})
	if err != nil {
		return s, fmt.Errorf("load program: %w", err)
	}
	s.closers = append(s.closers, s.program.Close)
	attached, err := link.AttachTracing(link.TracingOptions{Program: s.program})
	if err != nil {
		return s, fmt.Errorf("attach program: %w", err)
	}
	s.closers = append(s.closers, attached.Close)
	if s.ring, err = ringbuf.NewReader(ring); err != nil {
		return s, err
	}
	return s, nil
}

func (s *bpfSource) newMap(spec *ebpf.MapSpec) (*ebpf.Map, error) {
	m, err := ebpf.NewMap(spec)
	if err != nil {
		return nil, fmt.Errorf("make map: %w", err)
	}
	s.closers = append(s.closers, m.Close)
	return m, nil
}

func (s *bpfSource) sight() Sight {
	return Sight{Name: "raw tracepoint", Exact: true, Blind: []string{
		"half-open requests and the end of TIME_WAIT are looked for in the table",
	}}
}

func (s *bpfSource) lost() uint64 {
	var n uint64
	if s.drops.Lookup(uint32(0), &n) != nil {
		return 0
	}
	return n
}

func (s *bpfSource) close() error {
	var err error
	if s.ring != nil {
		err = s.ring.Close()
	}
	for i := len(s.closers) - 1; i >= 0; i-- {
		err = errors.Join(err, s.closers[i]())
	}
	s.closers = nil
	return err
}

func (s *bpfSource) read(until time.Time, each func(*event)) error {
	s.ring.SetDeadline(until)
	for {
		err := s.ring.ReadInto(&s.record)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil
		case err != nil:
			return err
		}
		if e, ok := s.parse(s.record.RawSample); ok {
			each(&e)
		}
	}
}

// parse reads a record.
func (s *bpfSource) parse(b []byte) (e event, ok bool) {
	if len(b) < recordLen {
		return e, false
	}
	u64, u32, u16 := binary.NativeEndian.Uint64, binary.NativeEndian.Uint32, binary.NativeEndian.Uint16
	e.At = time.Unix(0, int64(u64(b[atTime:]))).Add(s.skew)
	e.handle, e.Cookie, e.UID = u64(b[atHandle:]), u64(b[atCookie:]), u32(b[atUID:])
	e.From, e.To = kernelState("tcp", b[atOld]), kernelState("tcp", b[atNew])
	family := uint8(u16(b[atFamily:]))
	if family != familyINET && family != familyINET6 {
		return e, false
	}
	var port [2]byte
	binary.BigEndian.PutUint16(port[:], u16(b[atPort:]))
	e.Local = addrPort(family, b[atLocal:atLocal+16], port[:])
	if u16(b[atPeer:]) != 0 {
		e.Remote = addrPort(family, b[atRemote:atRemote+16], b[atPeer:atPeer+2])
	}
	if e.byCall() {
		name, _, _ := bytes.Cut(b[atName:recordLen], []byte{0})
		e.Process = Process{PID: int(u64(b[atProcess:]) >> 32), Name: string(name)}
	}
	return e, true
}

// monotonicSkew is what the time of day is ahead of the monotonic clock.
func monotonicSkew() time.Duration {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) != nil {
		return 0
	}
	return time.Duration(time.Now().UnixNano() - ts.Nano())
}

// fields are the offsets of what the program reads, in the kernel's structures.
type fields struct {
	spec *btf.Spec
	err  error
}

// at is the offset of a field in a structure of the kernel, of a path with dots; it
// looks into members without names by itself.
func (f *fields) at(structure, path string) int16 {
	var s *btf.Struct
	if err := f.spec.TypeByName(structure, &s); err != nil {
		f.err = errors.Join(f.err, fmt.Errorf("struct %s: %w", structure, err))
		return 0
	}
	offset, ok := memberOffset(s, bytes.Split([]byte(path), []byte{'.'}))
	if !ok {
		f.err = errors.Join(f.err, fmt.Errorf("struct %s has no %s", structure, path))
	}
	return int16(offset)
}

func memberOffset(t btf.Type, path [][]byte) (uint32, bool) {
	if len(path) == 0 {
		return 0, true
	}
	var members []btf.Member
	switch t := btf.UnderlyingType(t).(type) {
	case *btf.Struct:
		members = t.Members
	case *btf.Union:
		members = t.Members
	}
	for _, m := range members {
		rest := path
		switch m.Name {
		case string(path[0]):
			rest = path[1:]
		case "":
		default:
			continue
		}
		if offset, ok := memberOffset(m.Type, rest); ok {
			return m.Offset.Bytes() + offset, true
		}
	}
	return 0, false
}

// bpfProgram is the program:
//
//	on (sk, old, new):
//		if sk is not of TCP or of another namespace: return
//		record := {ktime, sk, cookie, process, user, old, new, addresses, ports, name}
//		if there is no room for record: drops[0]++
func bpfProgram(ring, drops int, netns uint32) (asm.Instructions, error) {
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		return nil, fmt.Errorf("kernel types: %w", err)
	}
	f := fields{spec: spec}
	const sk, stack, zero = asm.R6, asm.RFP, asm.R0
	record := func(at int16) int16 { return at - recordLen }
	var code asm.Instructions
	add := func(list ...asm.Instruction) { code = append(code, list...) }
	keep := func(field string, size asm.Size, at int16) { // copies a field into the record
		add(asm.LoadMem(asm.R1, sk, f.at("sock", field), size), asm.StoreMem(stack, record(at), asm.R1, size))
	}
	// What is copied by a helper: the verifier does not let a program read 16 bytes of
	// addresses, nor half of them.
	address := func(field string, at int16) {
		add(asm.Mov.Reg(asm.R1, stack), asm.Add.Imm(asm.R1, int32(record(at))), asm.Mov.Imm(asm.R2, 16),
			asm.Mov.Reg(asm.R3, sk), asm.Add.Imm(asm.R3, int32(f.at("sock", field))), asm.FnProbeReadKernel.Call())
	}

	add(asm.Mov.Reg(asm.R7, asm.R1), asm.LoadMem(sk, asm.R7, 0, asm.DWord))
	add(asm.LoadMem(asm.R1, sk, f.at("sock", "sk_protocol"), asm.Half), asm.JNE.Imm(asm.R1, unix.IPPROTO_TCP, "exit"))
	add(asm.LoadMem(asm.R1, sk, f.at("sock", "__sk_common.skc_net.net"), asm.DWord),
		asm.LoadMem(asm.R1, asm.R1, f.at("net", "ns.inum"), asm.Word), asm.LoadImm(asm.R2, int64(netns), asm.DWord), asm.JNE.Reg(asm.R1, asm.R2, "exit"))
	add(asm.Mov.Imm(zero, 0))
	for at := int16(0); at < recordLen; at += 8 {
		add(asm.StoreMem(stack, record(at), zero, asm.DWord))
	}
	add(asm.FnKtimeGetNs.Call(), asm.StoreMem(stack, record(atTime), asm.R0, asm.DWord))
	add(asm.StoreMem(stack, record(atHandle), sk, asm.DWord))
	add(asm.FnGetCurrentPidTgid.Call(), asm.StoreMem(stack, record(atProcess), asm.R0, asm.DWord))
	add(asm.Mov.Reg(asm.R1, stack), asm.Add.Imm(asm.R1, int32(record(atName))), asm.Mov.Imm(asm.R2, 16), asm.FnGetCurrentComm.Call())
	keep("sk_uid.val", asm.Word, atUID)
	add(asm.LoadMem(asm.R8, asm.R7, 8, asm.DWord), asm.StoreMem(stack, record(atOld), asm.R8, asm.Byte))
	add(asm.LoadMem(asm.R9, asm.R7, 16, asm.DWord), asm.StoreMem(stack, record(atNew), asm.R9, asm.Byte))
	keep("__sk_common.skc_family", asm.Half, atFamily)
	keep("__sk_common.skc_num", asm.Half, atPort)
	keep("__sk_common.skc_dport", asm.Half, atPeer)

	add(asm.LoadMem(asm.R1, sk, f.at("sock", "__sk_common.skc_family"), asm.Half), asm.JEq.Imm(asm.R1, familyINET6, "six"))
	keep("__sk_common.skc_rcv_saddr", asm.Word, atLocal)
	keep("__sk_common.skc_daddr", asm.Word, atRemote)
	add(asm.Ja.Label("cookie"))
	six := len(code)
	address("__sk_common.skc_v6_rcv_saddr", atLocal)
	address("__sk_common.skc_v6_daddr", atRemote)
	code[six] = code[six].WithSymbol("six")

	// A connection's own socket, LISTEN to SYN_RCVD, gets its cookie later, from its request.
	add(asm.JNE.Imm(asm.R8, 10, "has cookie").WithSymbol("cookie"), asm.JEq.Imm(asm.R9, 3, "output"))
	add(asm.Mov.Reg(asm.R1, sk).WithSymbol("has cookie"), asm.FnGetSocketCookie.Call(), asm.StoreMem(stack, record(atCookie), asm.R0, asm.DWord))
	add(asm.LoadMapPtr(asm.R1, ring).WithSymbol("output"), asm.Mov.Reg(asm.R2, stack), asm.Add.Imm(asm.R2, -recordLen),
		asm.Mov.Imm(asm.R3, recordLen), asm.Mov.Imm(asm.R4, 0), asm.FnRingbufOutput.Call(), asm.JEq.Imm(asm.R0, 0, "exit"))

	add(asm.StoreImm(stack, -8, 0, asm.Word), asm.LoadMapPtr(asm.R1, drops), asm.Mov.Reg(asm.R2, stack), asm.Add.Imm(asm.R2, -8),
		asm.FnMapLookupElem.Call(), asm.JEq.Imm(asm.R0, 0, "exit"), asm.Mov.Imm(asm.R1, 1), asm.AddAtomic.Mem(asm.R0, asm.R1, asm.DWord, 0))
	add(asm.Mov.Imm(asm.R0, 0).WithSymbol("exit"), asm.Return())
	return code, f.err
}

// netnsInode is the number of a network namespace: of a file of it, "" for this thread's.
func netnsInode(file string) (uint32, error) {
	if file == "" {
		file = "/proc/thread-self/ns/net"
	}
	var st unix.Stat_t
	if err := unix.Stat(file, &st); err != nil {
		return 0, &os.PathError{Op: "stat", Path: file, Err: err}
	}
	if st.Ino > 1<<32-1 {
		return 0, errors.New("network namespace " + strconv.FormatUint(st.Ino, 10) + " has no number of 32 bits")
	}
	return uint32(st.Ino), nil
}
