package sockets

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"strconv"
	"time"

	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"
)

// bpfSource is the raw tracepoint inet_sock_set_state, which every change of a TCP
// socket's state passes.
type bpfSource struct{ *traced }

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

// openBPF sees the network namespace with that inode.
func openBPF(netns uint32) (*bpfSource, error) {
	t, err := openTraced("inet_sock_set_state", ringLen, func(a *assembly) { a.changes(netns) })
	return &bpfSource{t}, err
}

func (s *bpfSource) sight() Sight {
	return Sight{Name: RawTracepoint, Exact: true, Blind: []string{
		"half-open requests and the end of TIME_WAIT are looked for in the table",
	}}
}

func (s *bpfSource) read(until time.Time, each func(*event)) error {
	return s.traced.read(until, func(record []byte) {
		if e, ok := s.parse(record); ok {
			each(&e)
		}
	})
}

// parse reads a record.
func (s *bpfSource) parse(b []byte) (e event, ok bool) {
	if len(b) < recordLen {
		return e, false
	}
	u64, u32, u16 := binary.NativeEndian.Uint64, binary.NativeEndian.Uint32, binary.NativeEndian.Uint16
	e.At = s.at(b[atTime:])
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

// changes writes the program:
//
//	on (sk, old, new):
//		if sk is not of TCP or of another namespace: return
//		record := {ktime, sk, cookie, process, user, old, new, addresses, ports, name}
//		if there is no room for record: drops[0]++
func (a *assembly) changes(netns uint32) {
	const sk, from, to = asm.R6, asm.R8, asm.R9
	keep := func(field string, size asm.Size, at int16) { a.keep(sk, "sock", field, size, at) }
	a.add(asm.Mov.Reg(asm.R7, asm.R1), asm.LoadMem(sk, asm.R7, 0, asm.DWord))
	a.add(asm.LoadMem(asm.R1, sk, a.field("sock", "sk_protocol"), asm.Half), asm.JNE.Imm(asm.R1, unix.IPPROTO_TCP, "exit"))
	a.add(asm.LoadMem(asm.R1, sk, a.field("sock", "__sk_common.skc_net.net"), asm.DWord),
		asm.LoadMem(asm.R1, asm.R1, a.field("net", "ns.inum"), asm.Word), asm.LoadImm(asm.R2, int64(netns), asm.DWord), asm.JNE.Reg(asm.R1, asm.R2, "exit"))
	a.begin(recordLen)
	a.add(asm.FnKtimeGetNs.Call())
	a.store(asm.R0, atTime, asm.DWord)
	a.store(sk, atHandle, asm.DWord)
	a.add(asm.FnGetCurrentPidTgid.Call())
	a.store(asm.R0, atProcess, asm.DWord)
	a.place(asm.R1, atName)
	a.add(asm.Mov.Imm(asm.R2, 16), asm.FnGetCurrentComm.Call())
	keep("sk_uid.val", asm.Word, atUID)
	a.add(asm.LoadMem(from, asm.R7, 8, asm.DWord), asm.LoadMem(to, asm.R7, 16, asm.DWord))
	a.store(from, atOld, asm.Byte)
	a.store(to, atNew, asm.Byte)
	keep("__sk_common.skc_family", asm.Half, atFamily)
	keep("__sk_common.skc_num", asm.Half, atPort)
	keep("__sk_common.skc_dport", asm.Half, atPeer)

	a.add(asm.LoadMem(asm.R1, sk, a.field("sock", "__sk_common.skc_family"), asm.Half), asm.JEq.Imm(asm.R1, familyINET6, "six"))
	keep("__sk_common.skc_rcv_saddr", asm.Word, atLocal)
	keep("__sk_common.skc_daddr", asm.Word, atRemote)
	a.add(asm.Ja.Label("cookie"))
	a.label("six", asm.Mov.Imm(asm.R0, 0))
	a.keepBytes(sk, "sock", "__sk_common.skc_v6_rcv_saddr", 16, atLocal)
	a.keepBytes(sk, "sock", "__sk_common.skc_v6_daddr", 16, atRemote)

	// A connection's own socket, LISTEN to SYN_RCVD, gets its cookie later, from its request.
	const listen, synReceived = 10, 3
	a.label("cookie", asm.JNE.Imm(from, listen, "has cookie"))
	a.add(asm.JEq.Imm(to, synReceived, "output"))
	a.label("has cookie", asm.Mov.Reg(asm.R1, sk))
	a.add(asm.FnGetSocketCookie.Call())
	a.store(asm.R0, atCookie, asm.DWord)
	a.finish()
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
