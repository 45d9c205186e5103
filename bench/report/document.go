package report

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strings"
)

// Machine says what figures are measured on.
func Machine() string {
	model := "unknown CPU"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if m := regexp.MustCompile(`model name\s*:\s*(.*)`).FindSubmatch(info); m != nil {
			model = string(m[1])
		}
	}
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	loads, _ := os.ReadFile("/proc/loadavg")
	average, _, _ := strings.Cut(string(loads), " ")
	return fmt.Sprintf("%s, %d CPUs, Linux %s, %s; load average %s before the run",
		model, runtime.NumCPU(), strings.TrimSpace(string(release)), runtime.Version(), average)
}

// Insert puts the tables of a make target between the two lines of a file that are
// marked for them.
func Insert(path, target, text string) error {
	begin := fmt.Sprintf("<!-- tables of %s: begin -->\n", target)
	end := fmt.Sprintf("<!-- tables of %s: end -->\n", target)
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok1 := bytes.Cut(old, []byte(begin))
	_, after, ok2 := bytes.Cut(rest, []byte(end))
	if !ok1 || !ok2 {
		return fmt.Errorf("write tables: %s has no lines %q and %q", path, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	made := bytes.Join([][]byte{before, []byte(begin), []byte("\n" + text), []byte(end), after}, nil)
	return os.WriteFile(path, made, 0o644)
}
