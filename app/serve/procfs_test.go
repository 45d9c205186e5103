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

// alive reports whether a process is there, also as a zombie that we have left.
// One whose parent is init is dead, however long that takes to notice.
func alive(pid int) bool {
	state, parent := stat(pid)
	return state != "" && (state != "Z" || parent == os.Getpid())
}

// zombies returns the children of this process that nobody has waited for.
func zombies(t testing.TB) (pids []int) {
	t.Helper()
	list, err := os.ReadDir("/proc")
	must(t, err)
	for _, d := range list {
		pid, _ := strconv.Atoi(d.Name())
		if state, parent := stat(pid); state == "Z" && parent == os.Getpid() {
			pids = append(pids, pid)
		}
	}
	return pids
}

// stat returns a process's state and parent; no state when there is no process.
func stat(pid int) (state string, parent int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", 0
	}
	f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	parent, _ = strconv.Atoi(f[1])
	return f[0], parent
}
