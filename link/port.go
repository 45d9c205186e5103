package link

// A Port is one end of a link: a cable's, a switch's, a TAP device's. Frames move in
// batches, which keep the cost of locks and wake-ups off the single frame.
type Port interface {
	// Send puts frames on the link, which owns them from then on; the slice stays the
	// caller's. It does not wait: what the link has no room for is lost, as on a wire.
	// It must be called without any lock that the receiver of Attach takes: a link may
	// call the other end's receiver before it returns.
	Send(frames []*Frame)

	// Attach sets who gets the frames that arrive; nil for nobody. input owns the
	// frames, not the slice; calls of it do not overlap, and none is running
	// or made any more when Attach(nil) has returned.
	Attach(input func(frames []*Frame))

	// MTU is how many bytes a frame can carry behind its Ethernet header.
	MTU() int
}

// A ChecksumFiller is a Port that may fill in transport checksums: where it does, frames
// may be sent to it with [ChecksumPartial].
type ChecksumFiller interface{ FillsChecksums() bool }

// FillsChecksums says whether a port fills in transport checksums.
func FillsChecksums(p Port) bool {
	f, ok := p.(ChecksumFiller)
	return ok && f.FillsChecksums()
}
