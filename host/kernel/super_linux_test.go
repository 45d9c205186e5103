package kernel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"

	"dialtone/link"
	"dialtone/observe/capture"
)

// sizes are the longest frames that each end sent, as an observer saw them, and whether
// checksums were left to the other.
type sizes struct {
	ours, kernels               int
	oursPartial, kernelsPartial bool
}

func (s *sizes) see(p *capture.Packet) {
	if !p.HasTCP || len(p.Payload) == 0 {
		return
	}
	size, partial := &s.ours, &s.oursPartial
	if p.Src.String() == kernelIP {
		size, partial = &s.kernels, &s.kernelsPartial
	}
	*size = max(*size, p.Wire)
	*partial = *partial || p.Hints&capture.HintPartial != 0
}

// TestSuperFrames moves bytes both ways with super-frames and without, and looks at the
// sizes that the kernel sees at its end of the device, and that the host sees at its.
func TestSuperFrames(t *testing.T) {
	for _, supers := range []bool{false, true} {
		t.Run(fmt.Sprint(supers), func(t *testing.T) {
			t.Parallel()
			y := newYard(t, setting{supers: supers})
			live := y.watchKernel()
			transfer(y, y.kernel(), y.host, ourIP, 4<<20)
			kernel, host := live(), y.seen()
			most := y.device.MTU() + link.EthernetLen
			for what, got := range map[string]int{
				"our frames, at the kernel": kernel.ours, "the kernel's frames, at the host": host.kernels,
			} {
				if supers && got < 4*most || !supers && got > most {
					t.Errorf("%s: up to %d bytes, MTU %d", what, got, y.device.MTU())
				}
			}
			if host.ours > most {
				t.Errorf("the host sent frames of %d bytes: the device makes the super-frames", host.ours)
			}
			if !host.oursPartial || !host.kernelsPartial {
				t.Errorf("checksums that were left to the other end: %+v", host)
			}
			if c := y.device.Counts(); supers != (c.SupersSent > 0) || supers != (c.SupersReceived > 0) {
				t.Errorf("%+v", c)
			}
			t.Logf("MTU %d: the kernel saw frames of up to %d bytes of ours, we of %d of its", y.device.MTU(), kernel.ours, host.kernels)
		})
	}
}

// watchKernel captures at the kernel's end until the function that it returns is called.
func (y *yard) watchKernel() (stop func() sizes) {
	ctx, cancel := context.WithCancel(context.Background())
	var live *capture.Live
	err := y.kernel().Do(func() (err error) {
		live, err = capture.OpenLive(ctx, capture.LiveConfig{Interface: "tap0"})
		return err
	})
	if err != nil {
		y.Fatal(err)
	}
	var s sizes
	var group sync.WaitGroup
	group.Go(func() { s = sizesOf(live) })
	return func() sizes {
		cancel()
		group.Wait()
		live.Close()
		return s
	}
}

// seen is what the host has captured until now.
func (y *yard) seen() sizes {
	y.watcher.flush()
	file, err := capture.Open(y.watcher.path)
	if err != nil {
		y.Fatal(err)
	}
	defer file.Close()
	return sizesOf(file)
}

func sizesOf(source capture.Source) (s sizes) {
	var p capture.Packet
	for {
		r, err := source.Next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				s.ours = -1
			}
			return s
		}
		capture.Decode(r, &p)
		s.see(&p)
	}
}
