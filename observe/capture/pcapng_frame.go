package capture

// Bits of an enhanced packet's flags (draft-ietf-opsawg-pcapng §4.3.1).
const (
	flagDirection = 3
	flagIn        = 1
	flagOut       = 2
	flagPartial   = 1 << 9  // checksum not ready
	flagGood      = 1 << 10 // checksum valid
	flagSuper     = 1 << 11 // TCP segmentation offloaded
)

// parseFrame reads the body of one of the three blocks that hold a frame.
func (g *pcapng) parseFrame(s *section, kind uint32, b []byte, r *Record) error {
	switch kind {
	case blockEnhanced:
		if len(b) < 20 {
			return broken("an enhanced packet block of %d bytes: 32 is the least", len(b)+blockFrame)
		}
		return g.parsePacket(s, s.u32(b), b, true, r)
	case blockPacket:
		if len(b) < 20 {
			return broken("a packet block of %d bytes: 32 is the least", len(b)+blockFrame)
		}
		return g.parsePacket(s, uint32(s.u16(b)), b, false, r)
	}
	return g.parseSimple(s, b, r)
}

// parsePacket reads an enhanced packet (§4.3) or an obsolete one (Appendix A), which
// differ in their first four bytes.
func (g *pcapng) parsePacket(s *section, number uint32, b []byte, enhanced bool, r *Record) error {
	i, err := g.number(s, number)
	if err != nil {
		return err
	}
	captured := int64(s.u32(b[12:]))
	end := 20 + (captured+3)&^3
	if end > int64(len(b)) {
		return broken("a frame of %d bytes in a block with room for %d", captured, len(b)-20)
	}
	on := &g.interfaces[i]
	*r = Record{
		Time:      on.clock.nanoseconds(uint64(s.u32(b[4:]))<<32 | uint64(s.u32(b[8:]))),
		Wire:      frameSize(s.u32(b[16:]), int(captured)),
		Data:      b[20 : 20+captured : 20+captured],
		Link:      on.Link,
		Interface: i,
	}
	if end == int64(len(b)) {
		return nil
	}
	return s.parseFrameOptions(b[end:], r)
}

func (s *section) parseFrameOptions(b []byte, r *Record) (err error) {
	for code, value := uint16(1), []byte(nil); code != optionEnd && err == nil; {
		code, value, b, err = s.option(b)
		switch {
		case code == optionComment:
			r.Comment = joinComment(r.Comment, value)
		case code == optionFlags && len(value) == 4:
			r.Hints = hintsOf(s.u32(value))
		}
	}
	return err
}

func hintsOf(flags uint32) (h Hints) {
	if flags&flagDirection == flagOut {
		h |= HintOut
	}
	if flags&flagPartial != 0 {
		h |= HintPartial
	}
	if flags&flagGood != 0 {
		h |= HintGood
	}
	if flags&flagSuper != 0 {
		h |= HintSuper
	}
	return h
}

// parseSimple reads a simple packet (§4.4): of the section's first interface, without
// a time.
func (g *pcapng) parseSimple(s *section, b []byte, r *Record) error {
	if len(b) < 4 {
		return broken("a simple packet block of %d bytes: 16 is the least", len(b)+blockFrame)
	}
	i, err := g.number(s, 0)
	if err != nil {
		return err
	}
	on, wire := &g.interfaces[i], s.u32(b)
	captured := wire
	if on.SnapLen != 0 {
		captured = min(captured, on.SnapLen)
	}
	if int64(captured) > int64(len(b)-4) {
		return broken("a frame of %d bytes in a block with room for %d", captured, len(b)-4)
	}
	*r = Record{
		Wire:      frameSize(wire, int(captured)),
		Data:      b[4 : 4+captured : 4+captured],
		Link:      on.Link,
		Interface: i,
	}
	return nil
}

// countDrops adds what a frame's block says was lost before it, for an interface
// without statistics.
func (g *pcapng) countDrops(s *section, kind uint32, b []byte, number int) {
	on := &g.interfaces[number]
	if on.counted {
		return
	}
	switch kind {
	case blockPacket:
		if n := s.u16(b[2:]); n != 0xffff { // not known
			on.Dropped += uint64(n)
		}
	case blockEnhanced:
		b = b[20+(s.u32(b[12:])+3)&^3:]
		for code, value := uint16(1), []byte(nil); len(b) > 0 && code != optionEnd; {
			if code, value, b, _ = s.option(b); code == optionDropCount && len(value) == 8 {
				on.Dropped += s.u64(value)
			}
		}
	}
}
