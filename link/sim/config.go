package sim

import (
	"math"
	"time"
)

// A Config is how good or bad a cable is. The zero Config is a perfect one, which hands
// frames over at once; values out of range are taken as the nearest in it.
type Config struct {
	Delay  time.Duration // from the last bit sent to the last bit received, 0 to 10s
	Jitter time.Duration // up to so much is added to Delay, at random; order is kept
	Rate   int64         // bits per second, counting frames with their Ethernet header; 0: unlimited

	// What may wait for the line, beyond which a frame is dropped. At Rate 0 nothing
	// waits. In any case there is room for 256 MiB under way, and no more.
	Queue       int // bytes; 0: 256 KiB
	QueueFrames int // frames; 0: as many as Queue holds

	Loss      float64       // share of frames lost, each independently; 0 to 1
	Burst     Burst         // loss that comes in bursts, beside Loss
	Reorder   float64       // share of frames that are late, so that frames behind overtake them
	Late      time.Duration // by how much they are late, to 10s; 0: 1ms
	Duplicate float64       // share of frames that arrive twice
	Corrupt   float64       // share of frames with one bit changed, behind the Ethernet header

	MTU   int   // bytes a frame can carry behind its Ethernet header, 68 to 65535: longer ones are lost; 0: 1500
	Judge Judge // decides what becomes of single frames; nil: nobody

	// The following are the cable's: NewCable looks at them, Set does not.
	Seed       uint64 // of all that is random: the same seed loses the same frames of the same sequence
	Duplex     Duplex
	TapA, TapB Tap // see what the stations at the ends send and get; nil: nobody looks
}

// Duplex is in which directions a cable carries frames.
type Duplex uint8

const (
	// FullDuplex carries both ways at once.
	FullDuplex Duplex = iota
	// HalfDuplex has one line for both directions. Who wants to send waits until the
	// line is silent, that is until the last bit of those who wanted to before has been
	// sent, and if it is the other end's, received. There are no collisions. Both ends'
	// frames are together in the Queue. It matters with a Rate only.
	HalfDuplex
	// Simplex carries from A to B only: what B sends is lost.
	Simplex
)

// Burst is loss that comes in bursts: Gilbert's and Elliott's model. A direction is
// good or bad, for 1/Enter and 1/Leave frames on average, and bad for a share of
// Enter/(Enter+Leave) of them.
type Burst struct {
	Enter float64 // probability with each frame that the direction becomes bad; 0: never
	Leave float64 // probability with each frame that it becomes good again
	Loss  float64 // share of frames lost while it is bad; 0: all
}

// Bursts returns a Burst that loses a share of all frames, below 1, in bursts of so
// many on average, 1 or more.
func Bursts(share, length float64) Burst {
	leave := 1 / max(length, 1)
	return Burst{Enter: leave * share / (1 - share), Leave: leave}
}

const (
	defaultMTU   = 1500
	defaultQueue = 256 << 10
	defaultLate  = time.Millisecond
	mostDelay    = 10 * time.Second
	mostRate     = int64(1e12)
)

// normal puts every value into its range, and defaults in the place of 0.
func (c Config) normal() Config {
	for _, p := range []*float64{&c.Loss, &c.Burst.Enter, &c.Burst.Leave, &c.Burst.Loss, &c.Reorder, &c.Duplicate, &c.Corrupt} {
		*p = min(max(*p, 0), 1)
		if math.IsNaN(*p) {
			*p = 0
		}
	}
	if c.Burst.Loss == 0 {
		c.Burst.Loss = 1
	}
	for _, d := range []*time.Duration{&c.Delay, &c.Jitter, &c.Late} {
		*d = within(*d)
	}
	if c.Late == 0 {
		c.Late = defaultLate
	}
	c.Rate = min(max(c.Rate, 0), mostRate)
	if c.Queue <= 0 {
		c.Queue = defaultQueue
	}
	c.QueueFrames = max(c.QueueFrames, 0)
	if c.MTU == 0 {
		c.MTU = defaultMTU
	}
	c.MTU = min(max(c.MTU, 68), 65535)
	return c
}

func within(d time.Duration) time.Duration { return min(max(d, 0), mostDelay) }

// atOnce says whether frames take no time: nothing happens to them on the way.
func (c *Config) atOnce() bool {
	return c.Delay == 0 && c.Jitter == 0 && c.Rate == 0 && c.Loss == 0 && c.Burst.Enter == 0 &&
		c.Reorder == 0 && c.Duplicate == 0 && c.Corrupt == 0 && c.Judge == nil
}
