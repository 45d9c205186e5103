package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// cpuTime is what a server has used so far: all threads of the process and of
// the processes below it, to the nanosecond, and those that ended, to 10 ms.
func cpuTime(pid int) (sum time.Duration) {
	for _, p := range family(pid) {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p))
		for _, path := range threads {
			text, _ := os.ReadFile(path) // nanoseconds on a CPU, waiting, turns
			ran, _, _ := strings.Cut(string(text), " ")
			ns, _ := strconv.ParseInt(ran, 10, 64)
			sum += time.Duration(ns)
		}
		sum += reaped(p)
	}
	return sum
}

// reaped is the CPU time of children that ended and were waited for.
func reaped(pid int) time.Duration {
	const tick = 10 * time.Millisecond // USER_HZ is 100 on all of Linux
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, ok := bytes.Cut(stat, []byte(") ")) // the name may hold spaces
	f := strings.Fields(string(rest))
	if !ok || len(f) < 15 {
		return 0
	}
	user, _ := strconv.Atoi(f[13]) // cutime, field 16 of proc(5)
	system, _ := strconv.Atoi(f[14])
	return time.Duration(user+system) * tick
}

// running is how long each CPU has run anything so far, or was lent to another
// machine: a sampled figure, right to about 20 ms.
func running() map[string]time.Duration {
	const tick = 10 * time.Millisecond
	busy := map[string]time.Duration{}
	text, _ := os.ReadFile("/proc/stat")
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line) // cpuN user nice system idle iowait irq softirq steal
		cpu, ok := strings.CutPrefix(f[0], "cpu")
		if !ok || len(f) < 9 {
			continue
		}
		for _, column := range []int{1, 2, 3, 6, 7, 8} {
			n, _ := strconv.Atoi(f[column])
			busy[cpu] += time.Duration(n) * tick
		}
	}
	return busy
}

// memory is a server's share of memory in KiB: of pages that processes have in
// common, each counts its part. For a single process it is the resident set.
func memory(pid int) (kib int) {
	for _, p := range family(pid) {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", p))
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line)
			if len(f) > 1 && (f[0] == "Pss:" || f[0] == "SwapPss:") {
				n, _ := strconv.Atoi(f[1])
				kib += n
			}
		}
	}
	return kib
}

// settled waits until memory has not fallen for three seconds, at most 20 s: a
// server may give back buffers and stacks some time after the last byte.
func settled(pid int) (kib int) {
	kib = memory(pid)
	for calm, total := 0, 0; calm < 6 && total < 40; total++ {
		time.Sleep(500 * time.Millisecond)
		now := memory(pid)
		if calm++; now < kib-kib/200 {
			calm = 0
		}
		kib = min(kib, now)
	}
	return kib
}

// family is a process and all below it.
func family(pid int) []int {
	pids := []int{pid}
	for i := 0; i < len(pids); i++ {
		lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pids[i]))
		for _, path := range lists {
			text, _ := os.ReadFile(path)
			for field := range strings.FieldsSeq(string(text)) {
				if child, err := strconv.Atoi(field); err == nil {
					pids = append(pids, child)
				}
			}
		}
	}
	return pids
}
