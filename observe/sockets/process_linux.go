package sockets

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// addProcesses looks through /proc for who has the sockets of list open. A
// process that ends meanwhile, or is none of ours to look into, is passed over.
func addProcesses(list []Socket) {
	wanted := map[uint32][]int{} // inode to indexes in list
	for i, s := range list {
		if s.Inode != 0 {
			wanted[s.Inode] = append(wanted[s.Inode], i)
		}
	}
	if len(wanted) == 0 {
		return
	}
	hidden := false
	for _, pid := range processIDs() {
		inodes, err := openSockets(pid)
		hidden = hidden || errors.Is(err, fs.ErrPermission)
		for _, inode := range inodes {
			for _, i := range wanted[inode] {
				list[i].add(pid)
			}
		}
	}
	for i := range list {
		list[i].Hidden = hidden
	}
}

// add notes that the process has s open, once however many descriptors it has.
func (s *Socket) add(pid int) {
	if slices.ContainsFunc(s.Processes, func(p Process) bool { return p.PID == pid }) {
		return
	}
	name, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "comm"))
	s.Processes = append(s.Processes, Process{PID: pid, Name: strings.TrimSuffix(string(name), "\n")})
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

// openSockets returns the inodes of the sockets among a process's descriptors.
func openSockets(pid int) (inodes []uint32, err error) {
	path := filepath.Join("/proc", strconv.Itoa(pid), "fd")
	dir, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	for _, name := range names {
		link, err := os.Readlink(filepath.Join(path, name))
		if err != nil {
			continue
		}
		if inode, ok := socketInode(link); ok {
			inodes = append(inodes, inode)
		}
	}
	return inodes, err
}

// socketInode reads "socket:[12345]".
func socketInode(link string) (uint32, bool) {
	s, isSocket := strings.CutPrefix(link, "socket:[")
	s, closed := strings.CutSuffix(s, "]")
	n, err := strconv.ParseUint(s, 10, 32)
	if !isSocket || !closed || err != nil {
		return 0, false
	}
	return uint32(n), true
}
