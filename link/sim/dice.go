package sim

// dice decide what is random in a direction. A throw depends on the seed, the frame's
// number and what it is for, and on nothing else: what happens to a frame is the same
// whatever else is switched on or off.
type dice struct {
	seed  uint64
	frame uint64
}

// What a throw is for.
const (
	throwLoss uint64 = iota
	throwBurst
	throwBurstLoss
	throwReorder
	throwDuplicate
	throwCorrupt
	throwBit
	throwJitter
)

func newDice(seed uint64, direction int) dice {
	return dice{seed: scramble(seed + scramble(uint64(direction)))}
}

// next goes on to the next frame.
func (d *dice) next() { d.frame++ }

// throw returns a number from 0 to below 1.
func (d *dice) throw(what uint64) float64 {
	x := scramble(scramble(d.seed^d.frame) + what)
	return float64(x>>11) / (1 << 53)
}

// hits says whether something with that probability happens.
func (d *dice) hits(what uint64, probability float64) bool {
	return probability > 0 && d.throw(what) < probability
}

// scramble is SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number
// Generators, 2014): every bit of x changes half of the result's.
func scramble(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
