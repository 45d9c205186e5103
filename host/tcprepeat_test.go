package host

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"dialtone/link/sim"
)

// TestLossyTransferRepeats: the same seed gives the same frames at the same instants,
// to the last bit; another seed gives others.
func TestLossyTransferRepeats(t *testing.T) {
	first, again, other := lossyTransfer(t, 1), lossyTransfer(t, 1), lossyTransfer(t, 2)
	if first != again {
		t.Error("the same seed gave two different runs")
	}
	if first == other {
		t.Error("two seeds gave the same run")
	}
}

// lossyTransfer sends a megabyte over a bad cable and returns the sum of all that a tap
// has seen.
func lossyTransfer(t *testing.T, seed uint64) (sum [32]byte) {
	synctest.Test(t, func(t *testing.T) {
		seen := sha256.New()
		begin := time.Now()
		tap := func(at time.Time, sent bool, frame []byte) {
			direction := byte(0)
			if sent {
				direction = 1
			}
			head := binary.BigEndian.AppendUint64([]byte{direction}, uint64(at.Sub(begin)))
			seen.Write(head)
			seen.Write(frame)
		}
		j := joinOver(t, sim.Config{
			Delay: 20 * time.Millisecond, Jitter: time.Millisecond, Rate: 50e6,
			Loss: 0.02, Reorder: 0.02, Duplicate: 0.01, Corrupt: 0.01, Seed: seed, TapA: tap,
		}, Seed(seed))
		sent := bytes.Repeat([]byte("again and again "), 1<<16)
		go func() {
			j.c.Write(sent)
			j.c.CloseWrite()
		}()
		got, err := io.ReadAll(j.d)
		if err != nil || !bytes.Equal(got, sent) {
			t.Errorf("%d bytes of %d, %v", len(got), len(sent), err)
		}
		j.d.Close()
		io.ReadAll(j.c)
		j.c.Close()
		time.Sleep(2 * time.Minute)
		synctest.Wait() // until whoever called the tap is done
		seen.Sum(sum[:0])
	})
	return sum
}
