//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// job is one round of one contender: its processes, and what they took.
type job struct {
	ctx      context.Context
	yard     *yard
	load     *load
	from, to *side // of the bytes

	processes []placed
	began     time.Time
	took      time.Duration
}

type placed struct {
	*process
	side  *side
	forks bool // has a process for each connection
}

// launch starts a program of the round on a side; program is a name that the
// yard finds.
func (j *job) launch(s *side, program string, args ...string) (*process, error) {
	return j.launchEnv(s, nil, program, args...)
}

func (j *job) launchEnv(s *side, env []string, program string, args ...string) (*process, error) {
	path, err := j.yard.find(program)
	if err != nil {
		return nil, err
	}
	p, err := launch(j.ctx, s, j.yard.path("log"), append(env, "HOME="+j.yard.path("log")), append([]string{path}, args...))
	if err != nil {
		return nil, err
	}
	j.processes = append(j.processes, placed{process: p, side: s})
	return p, nil
}

// serve starts a program and waits until it listens.
func (j *job) serve(s *side, port int, program string, args ...string) (*process, error) {
	p, err := j.launch(s, program, args...)
	if err != nil {
		return nil, err
	}
	return p, p.listening(port)
}

// serveForking is serve for programs with a process for each connection.
func (j *job) serveForking(s *side, port int, program string, args ...string) error {
	_, err := j.serve(s, port, program, args...)
	if n := len(j.processes); n > 0 {
		j.processes[n-1].forks = true
	}
	return err
}

// fetch runs the program whose end is the transfer's end, and measures.
func (j *job) fetch(s *side, program string, args ...string) error {
	j.began = time.Now()
	p, err := j.launch(s, program, args...)
	if err != nil {
		return err
	}
	err = p.wait()
	j.took = time.Since(j.began)
	return err
}

// finish ends what still runs and adds up both sides.
func (j *job) finish() (from, to usage) {
	for _, p := range j.processes {
		if p.forks {
			p.childless()
		}
		p.stop()
		if p.side == j.from {
			from.add(p.used)
		} else {
			to.add(p.used)
		}
	}
	return from, to
}

// sample is one round.
type sample struct {
	mbs      float64 // 10^6 bytes of files a second
	cpu      float64 // seconds per GiB, both sides
	from, to int64   // peak resident bytes of the sender's and the receiver's biggest process
	seconds  float64
	cut      bool   // stopped at the limit: the rate is of what crossed till then
	note     string // why there is no figure
}

// run does one round. It never fails: what went wrong is the sample's note.
func (c contender) round(ctx context.Context, y *yard, s *scene, verify bool) sample {
	for _, program := range c.programs {
		if _, err := y.find(program); err != nil {
			return sample{note: "not available: " + err.Error()}
		}
	}
	if err := y.clear(); err != nil {
		return sample{note: "failed: " + err.Error()}
	}
	limited, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	j := &job{ctx: limited, yard: y, load: s.load, from: s.ends.from, to: s.ends.to}
	if c.swap { // both ends are one process, or the roles are turned
		j.to = j.from
	}
	crossed := s.ends.crossed()
	err := c.run(j)
	crossed = s.ends.crossed() - crossed
	from, to := j.finish()
	result := sample{from: from.rss, to: to.rss, seconds: j.took.Seconds()}
	bytes := float64(s.load.bytes)
	switch {
	case errors.Is(limited.Err(), context.DeadlineExceeded) && ctx.Err() == nil:
		if crossed <= 0 {
			return sample{note: fmt.Sprintf("failed: not done after %v", s.limit)}
		}
		result.cut, result.seconds, bytes = true, time.Since(j.began).Seconds(), min(bytes, float64(crossed))
	case err != nil:
		return sample{note: "failed: " + firstLine(err.Error())}
	case verify:
		if err := y.verify(s.load); err != nil {
			return sample{note: "failed: wrong bytes: " + err.Error()}
		}
	}
	result.mbs = bytes / 1e6 / result.seconds
	result.cpu = (from.cpu + to.cpu).Seconds() / (bytes / (1 << 30))
	return result
}
