package ladder

import "dialtone/observe/capture"

// A Box is one layer of a frame: a header's fields, or bytes that no header
// explains.
type Box struct {
	Kind       capture.Kind
	Name       string // "IPv4", "TCP", "payload"
	Depth      int    // how many boxes it lies in
	Start, End int    // its bytes in the frame
	Summary    string // the layer in a few words: "192.0.2.1 → 192.0.2.7"
	Fields     []Field
}

// A Field is a named part of a header. Fields of one box lie behind each other,
// except that those of an option or a list lie in it.
type Field struct {
	Name       string // as the header's RFC has it: "time to live"
	Value      string // "64", "0x1c46"; escaped
	Note       string // what the value means or whether it is right: "good", "SYN ACK"; empty for nothing
	Bad        bool   // the note says that something is wrong
	Start, End int    // its bytes in the frame
	Bit, Bits  int    // where it has no whole bytes: the first bit in Start, counted from the most significant, and how many
	Fields     []Field
}

// Layers takes a frame apart for reading: its layers as they nest, outermost
// first. Every byte that was captured is in one of them.
func Layers(p *capture.Packet) []Box { return nil }
