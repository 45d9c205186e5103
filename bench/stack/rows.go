//go:build linux

package main

import (
	"context"
	"time"

	"dialtone/link/sim"
)

// figures are what a row found, by name.
type figures map[string]float64

// A row is one thing to measure, in a process of its own.
type row struct {
	name    string
	place   place
	measure func(ctx context.Context, p *pair, scale float64) (figures, error)
	once    bool // it takes long, or does not vary
}

const gib = 1 << 30

// The line of the goodput rows: 50 Mbit/s, 40 ms, a queue of 100 ms.
func line(change func(*sim.Config)) place {
	c := sim.Config{Rate: 50e6, Delay: 20 * time.Millisecond, Queue: 625_000, Seed: 7, Late: 10 * time.Millisecond}
	change(&c)
	return place{mtu: 1500, line: &c}
}

var rows = []row{
	{name: "bulk", place: wire, measure: bulk},
	{name: "super", place: jumbo, measure: bulk},
	{name: "tapout", place: place{tap: outTap}, measure: bulk},
	{name: "tapin", place: place{tap: inTap}, measure: bulk},
	{name: "pingpong", place: local, measure: pingPong},
	{name: "churn", place: local, measure: churn},
	{name: "idle", place: local, measure: idle, once: true},
	{name: "reorder", place: line(func(c *sim.Config) { c.Reorder = 0.01 }), measure: goodput, once: true},
	{name: "loss0", place: line(func(c *sim.Config) {}), measure: goodput, once: true},
	{name: "loss0.1", place: line(func(c *sim.Config) { c.Loss = 0.001 }), measure: goodput, once: true},
	{name: "loss1", place: line(func(c *sim.Config) { c.Loss = 0.01 }), measure: goodput, once: true},
	{name: "loss3", place: line(func(c *sim.Config) { c.Loss = 0.03 }), measure: goodput, once: true},
}
