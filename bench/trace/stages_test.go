//go:build linux

package main

import (
	"errors"
	"io"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"dialtone/observe/capture"
	"dialtone/observe/flow"
)

// BenchmarkStages tells what each stage adds, in processor time, for one to profile:
//
//	go test -run '^$' -bench Stages/follow -cpuprofile cpu.out ./trace
func BenchmarkStages(b *testing.B) {
	const packets = 200_000
	name := filepath.Join(b.TempDir(), "capture.pcap")
	if _, err := generate(name, packets, headersOnly); err != nil {
		b.Fatal(err)
	}
	var packet capture.Packet
	var tracker *flow.Tracker
	for _, stage := range []struct {
		name string
		work func(*capture.Record)
	}{
		{"read", func(*capture.Record) {}},
		{"decode", func(r *capture.Record) { capture.Decode(r, &packet) }},
		{"follow", func(r *capture.Record) {
			if r.Number == 1 {
				tracker = flow.New(flow.Config{})
			}
			capture.Decode(r, &packet)
			tracker.Add(&packet)
		}},
	} {
		b.Run(stage.name, func(b *testing.B) {
			began := processorTime()
			for b.Loop() {
				eachRecord(b, name, stage.work)
			}
			b.ReportMetric(float64(processorTime()-began)/float64(b.N)/packets, "cpu-ns/packet")
		})
	}
}

func eachRecord(b *testing.B, name string, work func(*capture.Record)) {
	file, err := capture.Open(name)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	for {
		r, err := file.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			b.Fatal(err)
		}
		work(r)
	}
}

func processorTime() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
