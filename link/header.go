package link

import "fmt"

// A HeaderError says which rule a header breaks, and where. Every layer's Parse
// returns one for bytes that are no header of its kind; the usual ones are made
// once, so that a flood of bad packets allocates nothing.
type HeaderError struct {
	Layer  string // as its standard spells it: "Ethernet", "IPv4", "TCP"
	Offset int    // of the field, in bytes from the start of the layer's header
	Rule   string // what must hold and does not: "header length below 20 bytes"
}

func (e *HeaderError) Error() string {
	return fmt.Sprintf("%s header, byte %d: %s", e.Layer, e.Offset, e.Rule)
}
