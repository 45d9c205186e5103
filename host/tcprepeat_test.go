package host

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dialtone/link/sim"
)

// TestLossyTransferRepeats: the same seed gives the same frames at the same instants,
// to the last bit; another seed gives others.
func TestLossyTransferRepeats(t *testing.T) {
	for name, run := range map[string]func(t *testing.T, seed uint64, tap sim.Tap){
		"one way, over a cable":              lossyTransfer,
		"three, both ways, through a router": lossyConversations,
	} {
		t.Run(name, func(t *testing.T) {
			first, again, other := tapped(t, 1, run), tapped(t, 1, run), tapped(t, 2, run)
			if first != again {
				t.Error("the same seed gave two different runs")
			}
			if first == other {
				t.Error("two seeds gave the same run")
			}
		})
	}
}

// tapped returns the sum of all that a tap has seen of a run.
func tapped(t *testing.T, seed uint64, run func(t *testing.T, seed uint64, tap sim.Tap)) (sum [32]byte) {
	synctest.Test(t, func(t *testing.T) {
		seen := sha256.New()
		begin := time.Now()
		run(t, seed, func(at time.Time, sent bool, frame []byte) {
			direction := byte(0)
			if sent {
				direction = 1
			}
			head := binary.BigEndian.AppendUint64([]byte{direction}, uint64(at.Sub(begin)))
			seen.Write(head)
			seen.Write(frame)
		})
		time.Sleep(2 * time.Minute)
		synctest.Wait() // until whoever called the tap is done
		seen.Sum(sum[:0])
	})
	return sum
}

// badLine is 50 Mbit/s at 40 ms, with everything that can go wrong.
func badLine(seed uint64, tap sim.Tap) sim.Config {
	return sim.Config{
		Delay: 20 * time.Millisecond, Jitter: time.Millisecond, Rate: 50e6,
		Loss: 0.02, Reorder: 0.02, Duplicate: 0.01, Corrupt: 0.01, Seed: seed, TapA: tap,
	}
}

func lossyTransfer(t *testing.T, seed uint64, tap sim.Tap) {
	j := joinOver(t, badLine(seed, tap), Seed(seed))
	go speak(j.c)
	hear(t, j.d)
	j.d.Close()
	io.ReadAll(j.c)
	j.c.Close()
}

func lossyConversations(t *testing.T, seed uint64, tap sim.Tap) {
	p := newPath(t, badLine(seed, tap), sim.Config{Delay: 5 * time.Millisecond, Rate: 20e6, Loss: 0.01, MTU: 1000, Seed: seed})
	ln, err := p.b.ListenTCP(netip.MustParseAddrPort("0.0.0.0:80"))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	var ends []*TCPConn
	for range 3 {
		c, err := p.a.DialTCP(t.Context(), netip.AddrPort{}, netip.MustParseAddrPort("10.0.2.1:80"))
		if err != nil {
			t.Fatal(err)
		}
		d, err := ln.AcceptTCP()
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, c, d)
	}
	var all sync.WaitGroup
	for _, end := range ends {
		all.Go(func() { hear(t, end) })
		all.Go(func() { speak(end) })
		time.Sleep(time.Millisecond) // no two at the same instant: their order would be Go's scheduler's
	}
	all.Wait()
}

var speech = bytes.Repeat([]byte("again and again "), 1<<14)

func speak(c *TCPConn) {
	c.Write(speech)
	c.CloseWrite()
}

func hear(t *testing.T, c *TCPConn) {
	if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, speech) {
		t.Errorf("%d bytes of %d, %v", len(got), len(speech), err)
	}
}
