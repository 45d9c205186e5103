package conversation

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Punctual lets this process go before others until undo is called, so that the peer
// answers in time on a busy machine: a kernel that waits 200 ms for an ACK sends again.
// It needs root, and does nothing without.
func Punctual() (undo func()) {
	setPolicy(unix.SCHED_RR, 1)
	return func() { setPolicy(unix.SCHED_NORMAL, 0) }
}

// setPolicy sets all threads that there are; those to come have it from their makers. A
// real-time policy goes before every other process, where a nice value only counts
// among those of one control group.
func setPolicy(policy, priority uint32) {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return
	}
	for _, thread := range threads {
		if id, err := strconv.Atoi(thread.Name()); err == nil {
			attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: policy, Priority: priority}
			_ = unix.SchedSetAttr(id, &attr, 0) // one that has just ended, or no right to
		}
	}
}
