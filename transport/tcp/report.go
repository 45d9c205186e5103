package tcp

// duplicate has the next acknowledgment report a run that came twice (RFC 2883 §4).
func (c *Conn) duplicate(from, to Seq) {
	if c.rec.selective && from.Less(to) && c.established() {
		c.count.duplicates++
		c.rcv.dup = span{from, to}
	}
}

// touch makes the island that seq lies on the newest.
// RFC 2018 §4: the first SACK block MUST specify the block with the segment that
// triggered this ACK; then those reported most recently.
func (c *Conn) touch(seq Seq) {
	island, _ := c.rcv.islands.covers(seq, seq)
	old := c.rcv.recent
	r := append(c.rcv.recent[:0], seq)
	for _, other := range old {
		if other.In(island.from, island.to) || len(r) == len(old) {
			continue // it has become part of the same island
		}
		r = append(r, other)
	}
	for len(r) < len(old) {
		r = append(r, c.rcv.nxt-1) // on no island
	}
}

// blocks are those of the next acknowledgment: a duplicate first, then islands, the
// newest first.
func (c *Conn) blocks(b *[4][2]Seq) (n int) {
	most := 4
	if c.stamps.on {
		most = 3 // RFC 2018 §3: as many as there is room for
	}
	if d := c.rcv.dup; !d.empty() {
		b[0] = [2]Seq{d.from, d.to}
		n = 1
		// RFC 2883 §4: if it lies on an island, that follows as the second block.
		if island, ok := c.rcv.islands.covers(d.from, d.to); ok {
			b[n] = c.block(island)
			n++
		}
	}
	for _, seq := range c.rcv.recent {
		island, ok := c.rcv.islands.covers(seq, seq)
		if ok && n < most && !listed(b[:n], island) {
			b[n] = c.block(island)
			n++
		}
	}
	return n
}

// block is an island as it is reported: with the FIN behind it.
func (c *Conn) block(s span) [2]Seq {
	if c.rcv.hasFIN && s.to == c.rcv.fin {
		s.to++
	}
	return [2]Seq{s.from, s.to}
}

func listed(b [][2]Seq, s span) bool {
	for _, have := range b {
		if have[0] == s.from {
			return true
		}
	}
	return false
}

func (c *Conn) blockCount() int {
	var b [4][2]Seq
	return c.blocks(&b)
}
