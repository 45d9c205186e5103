package ladder

import (
	"dialtone/internet"
	"dialtone/observe/flow"
	"dialtone/transport/tcp"
)

// phase is a part of a TCP conversation's life.
type phase uint8

const (
	phaseNone phase = iota
	phaseHandshake
	phaseData
	phaseClose
)

func (p phase) String() string {
	return [...]string{"", "handshake", "data", "close"}[p]
}

// next is the phase that a row is in: a FIN or an RST begins the close, whatever
// comes first behind the handshake the data.
func (p phase) next(r *Row) phase {
	switch {
	case !isTCP(r):
		return max(p, phaseHandshake)
	case p == phaseClose:
		return p
	case r.Flags&tcp.SYN != 0:
		return max(p, phaseHandshake)
	case r.Flags&tcp.FIN != 0, r.Flags&tcp.RST != 0 && p == phaseData:
		return phaseClose
	case r.Flags&tcp.RST != 0: // refused
		return max(p, phaseHandshake)
	case p == phaseHandshake && (r.has(flow.LabelHandshake) || r.Len == 0):
		return p
	}
	return phaseData
}

func isTCP(r *Row) bool { return r.Protocol == internet.TCP }

// has reports whether the row has a label.
func (r *Row) has(label flow.Label) bool {
	for i := range r.Notes {
		if r.Notes[i].Label == label && r.Notes[i].Frame == r.Frame {
			return true
		}
	}
	return false
}

// showsSeq reports whether the sequence number of a segment without payload says
// something: that of a probe lies before what was acknowledged.
func (r *Row) showsSeq() bool {
	return isTCP(r) && (r.has(flow.LabelKeepAlive) || r.has(flow.LabelZeroWindowProbe)) || r.Flags == 0
}
