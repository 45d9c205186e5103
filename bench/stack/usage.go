//go:build linux

package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// usage is what has been used until now.
type usage struct {
	at     time.Time
	cpu    time.Duration // of the process, and the kernel's for interrupts of all
	allocs uint64
}

// now returns it. What a veth's other end does is an interrupt's work, which no process
// is charged for: on a machine that does nothing else it is ours.
func now() usage {
	var r unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &r)
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	cpu := time.Duration(r.Utime.Nano() + r.Stime.Nano())
	return usage{time.Now(), cpu + softIRQ(), m.Mallocs}
}

// softIRQ is the time all processors have spent in software interrupts.
func softIRQ() time.Duration {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	var user, nice, system, idle, wait, irq, soft int64
	if _, err := fmt.Sscanf(strings.TrimPrefix(string(text), "cpu"), "%d %d %d %d %d %d %d", &user, &nice, &system, &idle, &wait, &irq, &soft); err != nil {
		return 0
	}
	return time.Duration(soft) * 10 * time.Millisecond // USER_HZ is 100
}

// mostFiles is how many files a process may have, which the kernel's connections are.
func mostFiles() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 1024
	}
	return int(min(limit.Cur, 1<<20))
}

// memory is what the process and the kernel's slabs hold, in bytes.
func memory() float64 {
	time.Sleep(300 * time.Millisecond) // for delayed acknowledgements
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc+m.StackInuse) + slab()
}

func slab() float64 {
	text, _ := os.ReadFile("/proc/meminfo")
	_, rest, _ := strings.Cut(string(text), "\nSlab:")
	var kib float64
	fmt.Sscan(rest, &kib)
	return kib * 1024
}
