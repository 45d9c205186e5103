package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
)

// hall is the place where servers and generator meet: one CPU for each, and the
// folder with the programs that were built for the run.
type hall struct {
	dir                 string
	serverCPU, otherCPU string
	load                string // the generator
}

// newHall builds the generator and the peers into dir. Started in the folder of
// this program, where their sources are.
func newHall(ctx context.Context, dir string) (*hall, error) {
	if runtime.GOOS != "linux" {
		return nil, errors.New("needs Linux: CPU pinning, epoll and /proc")
	}
	h := &hall{dir: dir, load: filepath.Join(dir, "load")}
	cpus, err := allowedCPUs()
	if err != nil {
		return nil, err
	}
	h.serverCPU, h.otherCPU = strconv.Itoa(cpus[0]), strconv.Itoa(cpus[len(cpus)-1])
	if err := h.build(ctx); err != nil {
		return nil, err
	}
	return h, nil
}

func (h *hall) build(ctx context.Context) error {
	sources, err := filepath.Glob("load/*.c")
	if err != nil || len(sources) == 0 {
		return errors.New("sources not found: start it in its own folder: cd bench, then go run")
	}
	gcc := []string{"gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-o"}
	for _, argv := range [][]string{
		append(append(gcc[:6:6], h.load), sources...),
		append(gcc[:6:6], filepath.Join(h.dir, "epoll"), "peers/epoll/epoll.c"),
		{"go", "build", "-o", h.dir + "/", "./peers/plain", "./peers/netpoll"},
	} {
		if out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", strings.Join(argv[:3], " "), err, out)
		}
	}
	return nil
}

// describe says what the figures were measured on.
func (h *hall) describe(p plan) string {
	model := "unknown CPU"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if m := regexp.MustCompile(`model name\s*:\s*(.*)`).FindSubmatch(info); m != nil {
			model = string(m[1])
		}
	}
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	loads, _ := os.ReadFile("/proc/loadavg")
	average, _, _ := strings.Cut(string(loads), " ")
	control, _ := os.ReadFile("/proc/sys/net/ipv4/tcp_congestion_control")
	text := fmt.Sprintf("%s, %d CPUs, Linux %s, TCP %s, %s; load average %s before the run.\nServer on CPU %s, generator on CPU %s; median of %d rounds of %v, taking turns.\n",
		model, runtime.NumCPU(), strings.TrimSpace(string(release)), strings.TrimSpace(string(control)),
		runtime.Version(), average, h.serverCPU, h.otherCPU, p.rounds, p.time)
	if h.serverCPU == h.otherCPU {
		text += "Only one CPU: server and generator share it, so figures include the generator.\n"
	}
	return text
}

// allowedCPUs reads the list that the kernel lets this process use.
func allowedCPUs() (cpus []int, err error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return nil, err
	}
	m := regexp.MustCompile(`Cpus_allowed_list:\s*(\S+)`).FindSubmatch(status)
	if m == nil {
		return nil, errors.New("no Cpus_allowed_list in /proc/self/status")
	}
	for part := range strings.SplitSeq(string(m[1]), ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, err1 := strconv.Atoi(first)
		to, err2 := strconv.Atoi(last)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("reading Cpus_allowed_list: %w", err)
		}
		for c := from; c <= to; c++ {
			cpus = append(cpus, c)
		}
	}
	return cpus, nil
}
