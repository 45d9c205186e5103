package tcp

// State is one of the eleven states of a connection's end (RFC 9293 §3.3.2).
type State uint8

// The states, in the RFC's order; the zero State is none of them: not known.
const (
	Listen State = iota + 1
	SynSent
	SynReceived
	Established
	FinWait1
	FinWait2
	CloseWait
	Closing
	LastAck
	TimeWait
	Closed
)
