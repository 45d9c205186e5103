package main

import (
	"context"
	"errors"
	"slices"
	"time"
)

// measure fills one row: all servers started, then rounds in turn.
func (h *hall) measure(ctx context.Context, p plan, r row) map[string]sample {
	cells := map[string]sample{}
	servers := map[string]*server{}
	for _, peer := range p.peers {
		if note := peer.missing(r); note != "" {
			cells[peer.name] = sample{note: note}
			continue
		}
		s, err := h.start(ctx, peer, r.network)
		if err != nil {
			cells[peer.name] = failure(p, r, peer, err)
			continue
		}
		defer s.stop()
		servers[peer.name] = s
	}
	samples := map[string][]sample{}
	rounds := p.rounds
	if r.kind == idle {
		rounds = 1 // memory is a state: it would only be dirtier the second time
	}
	for range rounds {
		for _, peer := range p.peers {
			if _, done := cells[peer.name]; done || ctx.Err() != nil {
				continue
			}
			s, err := h.round(ctx, p, r, peer, servers[peer.name])
			if err != nil {
				cells[peer.name] = failure(p, r, peer, err)
				continue
			}
			p.say("%-9s %6.1f k/s  %7.2f µs CPU  p50 %6.0f  p99 %6.0f  max %6.0f µs  server %3.0f %%  generator %3.0f %%  others %3.0f %%  %.2f KiB",
				peer.name, s.rate, s.cpu, s.p50, s.p99, s.max, 100*s.busy, 100*s.loadBusy, 100*s.others, s.kib)
			samples[peer.name] = append(samples[peer.name], s)
		}
	}
	for name, list := range samples {
		if _, failed := cells[name]; !failed {
			cells[name] = median(list)
		}
	}
	return cells
}

func failure(p plan, r row, peer peer, err error) sample {
	p.say("%s, %s: %v", r.name, peer.name, err)
	for _, known := range []error{errWrongBytes, errClosedEarly, errLost} {
		if errors.Is(err, known) {
			return sample{note: known.Error()}
		}
	}
	return sample{note: "failed"}
}

var errLost = errors.New("answers missing")

func (h *hall) round(ctx context.Context, p plan, r row, peer peer, s *server) (sample, error) {
	switch {
	case r.network == "tls":
		r.conns /= p.scale
		return h.idleTLS(ctx, r, s)
	case r.kind == idle:
		r.conns = min(r.conns/p.scale, peer.most)
		return h.idle(ctx, r, s)
	}
	return h.calm(ctx, p, r, s)
}

// calm measures until a round was not disturbed, at most three times.
func (h *hall) calm(ctx context.Context, p plan, r row, s *server) (best sample, err error) {
	for try := range 3 {
		round, err := h.busy(ctx, p, r, s)
		if err != nil {
			return sample{}, err
		}
		if try == 0 || round.others < best.others {
			best = round
		}
		if !best.disturbed() {
			break
		}
	}
	return best, nil
}

// busy measures throughput and CPU.
func (h *hall) busy(ctx context.Context, p plan, r row, s *server) (sample, error) {
	g, err := h.offer(ctx, r, s.port, p.warm, p.time)
	if err != nil {
		return sample{}, err
	}
	before, all, began := quietCPU(s.pid), running(), time.Now()
	f, err := g.measure()
	if err != nil {
		return sample{}, err
	}
	took, allAfter := time.Since(began), running()
	used := quietCPU(s.pid) - before
	if err := g.end(); err != nil {
		return sample{}, err
	}
	if f["requests"] == 0 || (f["lost"] > 0 && r.network != "udp") {
		return sample{}, errLost
	}
	others := allAfter[h.serverCPU] - all[h.serverCPU] - used
	if h.otherCPU != h.serverCPU {
		load := time.Duration(f["cpu"] * float64(time.Second))
		others = max(others, allAfter[h.otherCPU]-all[h.otherCPU]-load)
	}
	return sample{
		others: others.Seconds() / took.Seconds(),
		rate:   f["requests"] / f["seconds"] / 1e3,
		cpu:    float64(used.Nanoseconds()) / 1e3 / f["requests"],
		p50:    f["p50"], p99: f["p99"], max: f["max"], lost: f["lost"],
		busy: used.Seconds() / took.Seconds(), loadBusy: f["cpu"] / took.Seconds(),
	}, nil
}

// quietCPU is the CPU time once the server has nothing left to do, such as
// reaping the processes of connections: at most a second later.
func quietCPU(pid int) time.Duration {
	last := cpuTime(pid)
	for range 50 {
		time.Sleep(20 * time.Millisecond)
		now := cpuTime(pid)
		if now-last < 200*time.Microsecond {
			return now
		}
		last = now
	}
	return last
}

// idle measures memory. The connections were answered once before they idle,
// and have to be answered again afterwards.
func (h *hall) idle(ctx context.Context, r row, s *server) (sample, error) {
	before := settled(s.pid)
	g, err := h.offer(ctx, r, s.port, 0, 0)
	if err != nil {
		return sample{}, err
	}
	after := settled(s.pid)
	f, err := g.measure()
	if err != nil {
		return sample{}, err
	}
	if err := g.end(); err != nil {
		return sample{}, err
	}
	if f["requests"] != float64(r.conns) {
		return sample{}, errLost
	}
	return sample{kib: float64(after-before) / float64(r.conns)}, nil
}

// median takes the median of each figure.
func median(list []sample) sample {
	of := func(figure func(sample) float64) float64 {
		values := make([]float64, 0, len(list))
		for _, s := range list {
			values = append(values, figure(s))
		}
		slices.Sort(values)
		return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
	}
	return sample{
		rate:     of(func(s sample) float64 { return s.rate }),
		cpu:      of(func(s sample) float64 { return s.cpu }),
		p50:      of(func(s sample) float64 { return s.p50 }),
		p99:      of(func(s sample) float64 { return s.p99 }),
		max:      of(func(s sample) float64 { return s.max }),
		lost:     of(func(s sample) float64 { return s.lost }),
		kib:      of(func(s sample) float64 { return s.kib }),
		busy:     of(func(s sample) float64 { return s.busy }),
		loadBusy: of(func(s sample) float64 { return s.loadBusy }),
		others:   of(func(s sample) float64 { return s.others }),
	}
}
