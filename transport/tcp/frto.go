package tcp

// An frtoStep is how far F-RTO has come to tell whether a timeout was for nothing
// (RFC 5682 §3, with SACK): after it only the first segment is sent again, then two
// new ones. Not all was lost when something arrives that was under way before and was
// not sent again.
type frtoStep uint8

const (
	frtoOff   frtoStep = iota // the loss is real, or there was no timeout
	frtoAsked                 // step 1: the first segment is sent again
	frtoNew                   // step 2b: new data goes out in place of what may be lost
)

// frto follows an acknowledgment after a timeout; what shows that it was for nothing,
// step 3b, is undo's.
func (c *Conn) frto(d *delivery, advanced bool) {
	r := &c.rec
	switch {
	case r.phase != phaseTimeout || r.frto == frtoOff:
	case r.frto == frtoNew && (d.sacks || !advanced):
		// Step 3a: the new data has arrived, and nothing of what is before it.
		r.frto = frtoOff
	case r.frto == frtoAsked && advanced:
		// Step 2: with nothing new to send, or without SACK, the rest goes again.
		r.frto = frtoOff
		if r.selective && c.sendable(false) > 0 {
			r.frto = frtoNew
		}
	}
}
