package cable

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Config is a cable.
type Config struct {
	AtoB, BtoA Direction
	Seed       uint64 // of the losses; the same seed loses the same frames of the same sequence
	MTU        int    // bytes of an IP packet, 576 to 9000; 0: 1500
	TapA, TapB Tap    // see what each end's device sees; nil: nobody looks
}

// Both is a cable that treats both directions alike.
func Both(d Direction) Config { return Config{AtoB: d, BtoA: d} }

// Cable is an open cable.
type Cable struct {
	A, B       *End
	AtoB, BtoA *Counts

	stop  int // an eventfd, readable once the cable closes
	pumps sync.WaitGroup
	close func() error
}

// Open makes both ends and joins them. The cable works until Close.
func Open(c Config) (*Cable, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("open cable: %w", err)
	}
	stop, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("open cable: eventfd: %w", err)
	}
	cable := &Cable{AtoB: new(Counts), BtoA: new(Counts), stop: stop}
	cable.close = sync.OnceValue(cable.shut)
	for i, end := range []**End{&cable.A, &cable.B} {
		if *end, err = openEnd(byte(i+1), c.MTU); err != nil {
			cable.Close()
			return nil, fmt.Errorf("open cable: %w", err)
		}
	}
	began := time.Now()
	besideA, besideB := &sniffer{tap: c.TapA, began: began}, &sniffer{tap: c.TapB, began: began}
	for _, p := range []*pump{
		{line: newLine(c.AtoB, c.Seed, 0), from: cable.A.tap, to: cable.B.tap, leaving: besideA, arriving: besideB, counts: cable.AtoB},
		{line: newLine(c.BtoA, c.Seed, 1), from: cable.B.tap, to: cable.A.tap, leaving: besideB, arriving: besideA, counts: cable.BtoA},
	} {
		p.stop, p.began = stop, began
		cable.pumps.Go(p.run)
	}
	return cable, nil
}

func (c *Config) check() error {
	if c.MTU == 0 {
		c.MTU = 1500
	}
	if c.MTU < 576 || c.MTU > 9000 {
		return fmt.Errorf("MTU %d is not in 576 to 9000", c.MTU)
	}
	for _, d := range []Direction{c.AtoB, c.BtoA} {
		switch {
		case d.Delay < 0 || d.Delay > mostDelay:
			return fmt.Errorf("delay %v is not in 0 to 10s", d.Delay)
		case d.Rate != 0 && (d.Rate < 8_000 || d.Rate > 100e9):
			return fmt.Errorf("rate %d is not in 8 kbit/s to 100 Gbit/s", d.Rate)
		case d.Queue < 0 || (d.Queue > 0 && d.Queue < c.MTU+14) || d.Queue > 1<<30:
			return fmt.Errorf("queue of %d bytes holds no frame, or more than 1 GiB", d.Queue)
		case !(d.Loss >= 0 && d.Loss <= 1):
			return fmt.Errorf("loss %v is not in 0 to 1", d.Loss)
		}
	}
	return nil
}

// Close takes the cable away, and with it both devices and, once no process is
// left in them, both namespaces. Frames under way are lost. It may be called
// more than once.
func (c *Cable) Close() error { return c.close() }

func (c *Cable) shut() error {
	_, err := unix.Write(c.stop, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	c.pumps.Wait()
	for _, end := range []*End{c.A, c.B} {
		if end != nil {
			err = errors.Join(err, end.shut())
		}
	}
	return errors.Join(err, unix.Close(c.stop))
}

// addr is the address of the end with that number.
func addr(n byte) netip.Addr { return netip.AddrFrom4([4]byte{10, 77, 0, n}) }
