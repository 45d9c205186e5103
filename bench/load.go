package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// sample is what one round, or the median of several, found out.
type sample struct {
	note string // stands in the cell instead of figures

	rate     float64 // thousand requests per second
	cpu      float64 // µs of server CPU per request
	p50, p99 float64 // µs to the answer
	max      float64 // µs
	lost     float64 // datagrams without an answer
	kib      float64 // per idle connection
	busy     float64 // share of the round in which the server ran
	loadBusy float64 // the same of the generator
	others   float64 // the share of either CPU that other programs took
}

// disturbed says that other programs took so much that throughput says little.
func (s sample) disturbed() bool { return s.others > 0.15 }

// Exit codes of the generator, as load/load.h has them.
const (
	exitWrongBytes  = 3
	exitClosedEarly = 4
)

var (
	errWrongBytes  = errors.New("wrong bytes")
	errClosedEarly = errors.New("closed early")
)

// generator is a running load, see load/main.c for the conversation with it.
type generator struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	errors bytes.Buffer
	cancel context.CancelFunc
}

// offer starts a load and waits until it is connected and warm.
func (h *hall) offer(ctx context.Context, r row, port int, warm, length time.Duration) (*generator, error) {
	ctx, cancel := context.WithTimeout(ctx, warm+length+time.Minute)
	kind := map[kind]string{flow: "stream", churn: "churn", idle: "stream"}[r.kind]
	if r.network == "udp" {
		kind = "datagram"
	}
	g := &generator{cancel: cancel}
	g.cmd = exec.CommandContext(ctx, "taskset", "-c", h.otherCPU, h.load, kind,
		strconv.Itoa(port), strconv.Itoa(r.conns), strconv.Itoa(r.size), strconv.Itoa(r.depth),
		strconv.FormatInt(warm.Milliseconds(), 10), strconv.FormatInt(length.Milliseconds(), 10))
	g.cmd.Stderr = &g.errors
	in, err1 := g.cmd.StdinPipe()
	out, err2 := g.cmd.StdoutPipe()
	if err := errors.Join(err1, err2); err != nil {
		cancel()
		return nil, err
	}
	g.in, g.out = in, bufio.NewReader(out)
	if err := g.cmd.Start(); err != nil {
		cancel()
		return nil, err
	}
	if _, err := g.line(); err != nil { // ready
		return nil, err
	}
	return g, nil
}

// measure lets the prepared load run and returns its figures.
func (g *generator) measure() (map[string]float64, error) {
	if _, err := io.WriteString(g.in, "\n"); err != nil {
		return nil, g.failed(err)
	}
	line, err := g.line()
	if err != nil {
		return nil, err
	}
	figures := map[string]float64{}
	for field := range strings.FieldsSeq(line) {
		name, value, _ := strings.Cut(field, "=")
		if figures[name], err = strconv.ParseFloat(value, 64); err != nil {
			return nil, g.failed(err)
		}
	}
	return figures, nil
}

// end lets the load close its connections.
func (g *generator) end() error {
	g.in.Close()
	defer g.cancel()
	return g.cmd.Wait()
}

func (g *generator) line() (string, error) {
	line, err := g.out.ReadString('\n')
	if err != nil {
		return "", g.failed(err)
	}
	return line, nil
}

// failed ends the load and turns its exit code into an error.
func (g *generator) failed(cause error) error {
	err := g.end()
	text := strings.TrimSpace(g.errors.String())
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		switch exit.ExitCode() {
		case exitWrongBytes:
			return fmt.Errorf("%w: %s", errWrongBytes, text)
		case exitClosedEarly:
			return fmt.Errorf("%w: %s", errClosedEarly, text)
		}
	}
	return fmt.Errorf("load: %w: %s", errors.Join(cause, err), text)
}
