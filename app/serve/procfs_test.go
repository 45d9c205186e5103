package serve_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// This file asks the kernel.

// needProc skips a test where there is nothing to ask.
func needProc(t testing.TB) {
	t.Helper()
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("needs /proc: ", err)
	}
}

// timeWaits counts the TCP connections of a local port that are in TIME_WAIT.
func timeWaits(t testing.TB, port int) (n int) {
	t.Helper()
	needProc(t)
	table, err := os.ReadFile("/proc/net/tcp")
	must(t, err)
	for _, line := range strings.Split(string(table), "\n") {
		f := strings.Fields(line)
		if len(f) > 3 && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", port)) && f[3] == "06" {
			n++
		}
	}
	return n
}

// status returns a number from /proc/PID/status, as it stands there.
func status(t testing.TB, pid int, key string) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	must(t, err)
	for _, line := range strings.Split(string(text), "\n") {
		if value, ok := strings.CutPrefix(line, key+":"); ok {
			n, err := strconv.Atoi(strings.Fields(value)[0])
			must(t, err)
			return n
		}
	}
	t.Fatalf("no %s in the status of process %d", key, pid)
	return 0
}

// alive reports whether a process exists; a zombie does.
func alive(pid int) bool {
	_, err := os.Stat(fmt.Sprintf("/proc/%d", pid))
	return err == nil
}

// zombies returns the children of this process that nobody has waited for.
func zombies(t testing.TB) (pids []int) {
	t.Helper()
	list, err := os.ReadDir("/proc")
	must(t, err)
	for _, d := range list {
		pid, err := strconv.Atoi(d.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue // gone
		}
		f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if len(f) > 1 && f[0] == "Z" && f[1] == strconv.Itoa(os.Getpid()) {
			pids = append(pids, pid)
		}
	}
	return pids
}
