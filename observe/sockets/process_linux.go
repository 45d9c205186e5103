package sockets

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// holders know which processes have which sockets open. What they knew at the last
// reading they believe again of a process that has as many descriptors as then, except
// of every eighth process in turn, and except where a socket is found that nobody is
// known to hold.
type holders struct {
	processes map[int]*holder
	byInode   map[uint32][]Process
	nobodys   map[uint32]bool // sockets that no process had when all were looked at
	hidden    bool            // some process could not be looked at
	round     int
}

// holder is one process and the sockets it has open.
type holder struct {
	self        []Process // the process, alone
	descriptors int64     // how many it had; 0 where the kernel does not tell (before Linux 6.2)
	inodes      []uint32
	hidden      bool
}

const turns = 8

// fill notes in every row who has it open.
func (h *holders) fill(list []*Socket) {
	pids := processIDs()
	h.round++
	h.look(pids, func(pid int, known *holder) bool {
		return known != nil && known.descriptors != 0 && (pid+h.round)%turns != 0 && known.descriptors == descriptors(pid)
	})
	if h.note(list) {
		return
	}
	h.look(pids, func(int, *holder) bool { return false })
	h.nobodys = map[uint32]bool{}
	for _, s := range list {
		if h.byInode[s.Inode] == nil {
			h.nobodys[s.Inode] = true
		}
	}
	h.note(list)
}

// note fills in who has each socket open, and reports whether that is known of every
// one, or that nobody does.
func (h *holders) note(list []*Socket) (all bool) {
	all = true
	for _, s := range list {
		if s.Inode != 0 {
			s.Processes = h.byInode[s.Inode]
			all = all && (s.Processes != nil || h.nobodys[s.Inode])
		}
		s.Hidden = h.hidden
	}
	return all
}

// look looks at the processes, except at those that believe says are as they were.
func (h *holders) look(pids []int, believe func(pid int, known *holder) bool) {
	now := make([]*holder, len(pids))
	var next sync.Mutex
	at := 0
	take := func() (i int, ok bool) {
		next.Lock()
		defer next.Unlock()
		at++
		return at - 1, at <= len(pids)
	}
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			buffer := make([]byte, 32<<10)
			for i, ok := take(); ok; i, ok = take() {
				known := h.processes[pids[i]]
				if believe(pids[i], known) {
					now[i] = known
				} else if now[i] = lookInto(pids[i], buffer); known != nil && now[i] != nil && known.same(now[i]) {
					now[i] = known
				}
			}
		})
	}
	workers.Wait()
	h.learn(pids, now)
}

// same reports whether nothing has changed.
func (h *holder) same(now *holder) bool {
	return h.descriptors == now.descriptors && h.hidden == now.hidden && slices.Equal(h.self, now.self) && slices.Equal(h.inodes, now.inodes)
}

// learn puts together what is known of all processes, if that is something new.
func (h *holders) learn(pids []int, now []*holder) {
	known, processes, news := 0, 0, false
	for i, p := range now {
		if p != nil {
			known += len(p.inodes)
			processes++
			news = news || h.processes[pids[i]] != p
		}
	}
	if !news && processes == len(h.processes) && h.processes != nil {
		return
	}
	h.processes = make(map[int]*holder, len(pids))
	h.byInode = make(map[uint32][]Process, known)
	h.hidden = false
	for i, p := range now {
		if p == nil {
			continue // it ended meanwhile
		}
		h.processes[pids[i]] = p
		h.hidden = h.hidden || p.hidden
		for _, inode := range p.inodes {
			if others := h.byInode[inode]; others == nil {
				h.byInode[inode] = p.self
			} else {
				h.byInode[inode] = append(slices.Clip(others), p.self...)
			}
		}
	}
}

// lookInto lists the sockets that a process has open; nil if there is no such process.
func lookInto(pid int, buffer []byte) *holder {
	h := &holder{descriptors: descriptors(pid)}
	inodes, err := openSockets(pid, buffer)
	switch {
	case errors.Is(err, fs.ErrPermission):
		h.hidden = true
	case err != nil:
		return nil
	}
	slices.Sort(inodes)
	h.inodes = slices.Compact(inodes) // once however many descriptors it has
	if len(h.inodes) > 0 {
		name, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
		h.self = []Process{{PID: pid, Name: string(bytes.TrimSuffix(name, []byte("\n")))}}
	}
	return h
}

// descriptors returns how many files a process has open.
func descriptors(pid int) int64 {
	var st unix.Stat_t
	if unix.Stat("/proc/"+strconv.Itoa(pid)+"/fd", &st) != nil {
		return 0
	}
	return st.Size
}

// processIDs returns the processes in /proc in ascending order.
func processIDs() (pids []int) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids
}

// openSockets returns the inodes of the sockets among a process's descriptors, and an
// error if it may not look at all of them. There may be many: it makes nothing but the two system calls for
// each, on names as they lie in buffer.
func openSockets(pid int, buffer []byte) (inodes []uint32, err error) {
	dir, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/fd", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(dir)
	var link [64]byte
	var denied error
	for {
		n, err := unix.Getdents(dir, buffer)
		if err != nil || n <= 0 {
			return inodes, cmp.Or(err, denied)
		}
		for entry := range entries(buffer[:n]) {
			if entry[0] == '.' {
				continue
			}
			size, _, errno := unix.RawSyscall6(unix.SYS_READLINKAT, uintptr(dir), uintptr(unsafe.Pointer(&entry[0])),
				uintptr(unsafe.Pointer(&link[0])), uintptr(len(link)), 0, 0)
			if errno == unix.EACCES || errno == unix.EPERM {
				denied = errno // the names may be read, and not what they stand for: not dumpable
			}
			if errno != 0 {
				continue // closed meanwhile
			}
			if inode, ok := socketInode(link[:size]); ok {
				inodes = append(inodes, inode)
			}
		}
	}
}

// entries goes through the names in what getdents64 filled in, each with its NUL.
func entries(b []byte) func(yield func(name []byte) bool) {
	const nameAt = 19 // struct linux_dirent64: inode, offset, length, type, name
	return func(yield func([]byte) bool) {
		for len(b) > nameAt {
			size := int(binary.NativeEndian.Uint16(b[16:]))
			if size <= nameAt || size > len(b) || bytes.IndexByte(b[nameAt:size], 0) < 1 {
				return
			}
			if !yield(b[nameAt:size]) {
				return
			}
			b = b[size:]
		}
	}
}

// socketInode reads "socket:[12345]".
func socketInode(link []byte) (uint32, bool) {
	text, isSocket := bytes.CutPrefix(link, []byte("socket:["))
	text, closed := bytes.CutSuffix(text, []byte("]"))
	if !isSocket || !closed || len(text) == 0 {
		return 0, false
	}
	n := uint64(0)
	for _, c := range text {
		if c < '0' || c > '9' || n > 1<<32 {
			return 0, false
		}
		n = 10*n + uint64(c-'0')
	}
	return uint32(n), n < 1<<32
}
