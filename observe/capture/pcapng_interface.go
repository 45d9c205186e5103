package capture

import "math/bits"

// Options of blocks (draft-ietf-opsawg-pcapng §3.5, §4): their codes mean something
// else in each block but for the first two.
const (
	optionEnd     = 0
	optionComment = 1

	optionHardware    = 2 // of a section header
	optionOS          = 3
	optionApplication = 4

	optionName        = 2 // of an interface
	optionDescription = 3
	optionResolution  = 9
	optionOffset      = 14

	optionReceived = 4 // of statistics
	optionDropped  = 5

	optionFlags     = 2 // of an enhanced packet
	optionDropCount = 4
)

// option takes the first of a block's options: optionEnd where there is none left.
func (s *section) option(b []byte) (code uint16, value, rest []byte, err error) {
	if len(b) < 4 { // §3.5: the end mark may be missing
		return optionEnd, nil, nil, nil
	}
	code, size := s.u16(b), int(s.u16(b[2:]))
	if code == optionEnd {
		return optionEnd, nil, nil, nil
	}
	padded := 4 + (size+3)&^3
	if len(b) < padded {
		return optionEnd, nil, nil, broken("option %d of %d bytes in the %d that its block has left", code, size, len(b)-4)
	}
	return code, b[4 : 4+size], b[padded:], nil
}

// joinComment puts a block's comments on lines of their own.
func joinComment(comment string, more []byte) string {
	if comment != "" {
		comment += "\n"
	}
	return comment + string(more)
}

// ngInterface is an interface with what its timestamps mean.
type ngInterface struct {
	Interface
	clock   clock
	counted bool // Dropped is from its statistics, not from its frames
}

// parseInterface reads an interface description (§4.2).
func (g *pcapng) parseInterface(s *section, b []byte) (err error) {
	switch {
	case len(b) < 8:
		return broken("an interface description of %d bytes: 20 is the least", len(b)+blockFrame)
	case len(g.interfaces) == maxInterfaces:
		return broken("more than %d interfaces", maxInterfaces)
	}
	i := ngInterface{clock: clock{units: 6}}
	i.Link, i.SnapLen = standardLink(LinkType(s.u16(b))), s.u32(b[4:])
	b = b[8:]
	for code, value := uint16(1), []byte(nil); code != optionEnd && err == nil; {
		code, value, b, err = s.option(b)
		switch {
		case code == optionName:
			i.Name = string(value)
		case code == optionDescription:
			i.Description = string(value)
		case code == optionResolution && len(value) > 0:
			i.clock.units = value[0]
		case code == optionOffset && len(value) == 8:
			i.clock.offset = int64(s.u64(value)) * 1e9
		}
	}
	if err == nil {
		err = i.clock.check()
	}
	g.interfaces = append(g.interfaces, i)
	return err
}

// parseStatistics reads what the capturing system counted (§4.6).
func (g *pcapng) parseStatistics(s *section, b []byte) error {
	if len(b) < 12 {
		return broken("interface statistics of %d bytes: 24 is the least", len(b)+blockFrame)
	}
	i, err := g.number(s, s.u32(b))
	if err != nil {
		return err
	}
	b = b[12:]
	for code, value := uint16(1), []byte(nil); code != optionEnd && err == nil; {
		code, value, b, err = s.option(b)
		switch {
		case len(value) != 8:
		case code == optionReceived:
			g.interfaces[i].Received = s.u64(value)
		case code == optionDropped:
			g.interfaces[i].Dropped, g.interfaces[i].counted = s.u64(value), true
		}
	}
	return err
}

// number translates a section's interface number to one of the file.
func (g *pcapng) number(s *section, n uint32) (int, error) {
	if int64(n) >= int64(len(g.interfaces)-s.first) {
		return 0, broken("interface %d, where the section has described %d", n, len(g.interfaces)-s.first)
	}
	return s.first + int(n), nil
}

// clock says what an interface's timestamps mean (§4.2, if_tsresol, if_tsoffset).
type clock struct {
	units  uint8 // a second has 10^units of them, or 2^units with the upper bit set
	offset int64 // nanoseconds
}

func (c clock) check() error {
	switch {
	case c.units&0x80 != 0 && c.units&0x7f > 63:
		return broken("timestamps in units of 2^-%d s: finer than 2^-63 is not known", c.units&0x7f)
	case c.units&0x80 == 0 && c.units > 19:
		return broken("timestamps in units of 10^-%d s: finer than 10^-19 is not known", c.units)
	}
	return nil
}

// nanoseconds are since 1970.
func (c clock) nanoseconds(units uint64) int64 {
	switch c.units {
	case 6:
		return int64(units)*1000 + c.offset
	case 9:
		return int64(units) + c.offset
	}
	if c.units&0x80 == 0 {
		if c.units < 9 {
			return int64(units*power10(9-c.units)) + c.offset
		}
		return int64(units/power10(c.units-9)) + c.offset
	}
	shift := c.units & 0x7f
	seconds, fraction := units>>shift, units&(1<<shift-1)
	hi, lo := bits.Mul64(fraction, 1e9)
	return int64(seconds)*1e9 + int64(hi<<(64-shift)|lo>>shift) + c.offset
}

func power10(n uint8) uint64 {
	p := uint64(1)
	for range n {
		p *= 10
	}
	return p
}
