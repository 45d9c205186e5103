//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
)

// describe says what the figures were measured on.
func describe(p plan) string {
	model := "unknown CPU"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if m := regexp.MustCompile(`model name\s*:\s*(.*)`).FindSubmatch(info); m != nil {
			model = string(m[1])
		}
	}
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	loads, _ := os.ReadFile("/proc/loadavg")
	average, _, _ := strings.Cut(string(loads), " ")
	return fmt.Sprintf("%s, %d CPUs, Linux %s, %s; load average %s before the run; median of %d rounds, %d through the cable.\n\n",
		model, runtime.NumCPU(), strings.TrimSpace(string(release)), runtime.Version(), average, p.rounds, p.far)
}

const (
	beginMark = "<!-- tables of make bench-transfer: begin -->\n"
	endMark   = "<!-- tables of make bench-transfer: end -->\n"
)

// insert replaces what is between the marks of a file.
func insert(path, text string) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok1 := bytes.Cut(old, []byte(beginMark))
	_, after, ok2 := bytes.Cut(rest, []byte(endMark))
	if !ok1 || !ok2 {
		return fmt.Errorf("write tables: %s has no lines %q and %q", path, strings.TrimSpace(beginMark), strings.TrimSpace(endMark))
	}
	made := bytes.Join([][]byte{before, []byte(beginMark), []byte("\n" + text), []byte(endMark), after}, nil)
	return os.WriteFile(path, made, 0o644)
}

// thousands writes 1000000 as 1,000,000.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
