//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"dialtone/observe/capture"
	"dialtone/observe/flow"
)

// count is what a worker found, which it prints as JSON.
type count struct {
	Packets       int64
	Conversations int
	Again         int64 // segments sent again, by their labels
	OutOfOrder    int64
	Dropped       int64   // of a live capture
	Ready         float64 // seconds since 1970 when a live capture could begin
}

// work is this program as one of its own contenders, in a process of its own.
func work(ctx context.Context, kind, name string) error {
	var c count
	var err error
	switch kind {
	case "flow":
		c, err = followFile(name)
	case "gopacket":
		c, err = parseWithGopacket(name)
	case "live":
		c, err = followLive(ctx, name)
	default:
		err = fmt.Errorf("no worker is called %q", kind)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(c)
}

// follower is what package flow is for: every packet taken apart, followed and
// labelled.
type follower struct {
	tracker *flow.Tracker
	packet  capture.Packet
	count
}

func (f *follower) add(r *capture.Record) {
	capture.Decode(r, &f.packet)
	f.Packets++
	e := f.tracker.Add(&f.packet)
	if e == nil {
		return
	}
	f.Conversations = max(f.Conversations, e.Talk.ID)
	// Every kind of retransmission is one first, with its cause as a label of its own.
	for i := range e.Findings {
		switch e.Findings[i].Label {
		case flow.LabelRetransmission:
			f.Again++
		case flow.LabelOutOfOrder:
			f.OutOfOrder++
		}
	}
}

func followFile(name string) (count, error) {
	file, err := capture.Open(name)
	if err != nil {
		return count{}, err
	}
	defer file.Close()
	f := follower{tracker: flow.New(flow.Config{})}
	for {
		r, err := file.Next()
		if errors.Is(err, io.EOF) {
			return f.count, nil
		}
		if err != nil {
			return f.count, err
		}
		f.add(r)
	}
}

// parseWithGopacket takes layers apart and follows nothing.
func parseWithGopacket(name string) (c count, err error) {
	file, err := os.Open(name)
	if err != nil {
		return c, err
	}
	defer file.Close()
	reader, err := pcapgo.NewReader(bufio.NewReaderSize(file, 1<<20))
	if err != nil {
		return c, err
	}
	var (
		ether   layers.Ethernet
		v4      layers.IPv4
		v6      layers.IPv6
		segment layers.TCP
		message layers.UDP
		payload gopacket.Payload
		decoded []gopacket.LayerType
	)
	parser := gopacket.NewDecodingLayerParser(layers.LayerTypeEthernet, &ether, &v4, &v6, &segment, &message, &payload)
	parser.IgnoreUnsupported = true
	for {
		data, _, err := reader.ZeroCopyReadPacketData()
		if errors.Is(err, io.EOF) {
			return c, nil
		}
		if err != nil {
			return c, err
		}
		if err := parser.DecodeLayers(data, &decoded); err != nil {
			return c, fmt.Errorf("packet %d: %w", c.Packets+1, err)
		}
		c.Packets++
	}
}

// followLive follows an interface until it is told to stop.
func followLive(ctx context.Context, device string) (count, error) {
	live, err := capture.OpenLive(ctx, capture.LiveConfig{Interface: device})
	if err != nil {
		return count{}, err
	}
	defer live.Close()
	fmt.Fprintln(os.Stderr, "ready")
	f := follower{tracker: flow.New(flow.Config{})}
	f.Ready = float64(time.Now().UnixNano()) / 1e9
	for {
		r, err := live.Next()
		if ctx.Err() != nil || errors.Is(err, io.EOF) {
			f.Dropped = live.Stats().Dropped
			return f.count, nil
		}
		if err != nil {
			return f.count, err
		}
		f.add(r)
	}
}
