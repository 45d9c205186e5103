package sim

import "dialtone/link"

// Direction is one way through a cable, changeable while it is used.
type Direction struct {
	net      *Net // its lock guards everything here
	from, to *port

	config  Config
	quick   bool // frames take no time
	cut     bool
	missing bool // the way back of a simplex cable
	line    *line
	dice    dice
	bad     bool // in a burst of loss
	seen    int  // frames, by the judge
	held    map[int]heldFrame
	queue   queue
	counts  Counts
}

type heldFrame struct {
	frame *link.Frame
	dice  dice
}

// Counts are what became of a direction's frames.
type Counts struct {
	Frames, Bytes uint64 // that arrived, with their Ethernet headers

	Lost       uint64 // on the line, at random
	Overflowed uint64 // found no room
	TooLong    uint64 // for the MTU
	Cut        uint64 // sent while the direction was cut, or the wrong way
	Dropped    uint64 // by the judge

	Late, Duplicated, Corrupted uint64 // at random; they arrived
}

// Set changes how good or bad the direction is, for frames sent from now on.
func (d *Direction) Set(c Config) {
	d.net.mu.Lock()
	defer d.net.mu.Unlock()
	d.set(c)
}

func (d *Direction) set(c Config) {
	d.config = c.normal()
	d.quick = d.config.atOnce()
	d.line.rest = 0
}

// Config returns how good or bad the direction is.
func (d *Direction) Config() Config {
	d.net.mu.Lock()
	defer d.net.mu.Unlock()
	return d.config
}

// Cut cuts the direction: frames sent from now on are lost, those under way arrive.
func (d *Direction) Cut() { d.setCut(true) }

// Restore mends the direction.
func (d *Direction) Restore() { d.setCut(false) }

func (d *Direction) setCut(cut bool) {
	d.net.mu.Lock()
	defer d.net.mu.Unlock()
	d.cut = cut
}

// Counts returns what became of the frames until now.
func (d *Direction) Counts() Counts {
	d.net.mu.Lock()
	defer d.net.mu.Unlock()
	return d.counts
}
