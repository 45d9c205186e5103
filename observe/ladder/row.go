package ladder

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"dialtone/app/escape"
	"dialtone/internet"
	"dialtone/observe/flow"
	"dialtone/transport/tcp"
)

// RowOf copies an event: what it points to is reused by the next one.
func RowOf(e *flow.Event) Row {
	var r Row
	r.set(e)
	r.Fragments = slices.Clone(e.Packet.Fragments)
	r.says(e)
	r.Notes = notesOf(e.Findings)
	return r
}

// set copies the figures of an event, and nothing that must be made of it.
func (r *Row) set(e *flow.Event) {
	p := e.Packet
	*r = Row{
		Frame: p.Number, Time: p.Time, Offset: p.Offset, Protocol: p.Protocol, From: e.From,
		Seq: e.Seq, Ack: e.Ack, Len: e.Len, Window: e.Window, InFlight: e.InFlight,
		Before: e.Before, After: e.After, RTT: e.RTT,
	}
	if p.HasTCP {
		r.Flags = p.TCP.Flags
		r.SACK = relativeSACK(e)
	}
	if p.Src != e.Talk.Ends[e.From].Addr.Addr() {
		r.Via = p.Src
	}
}

// relativeSACK counts the blocks from where the acknowledgment number is counted.
func relativeSACK(e *flow.Event) (list [][2]uint32) {
	header := &e.Packet.TCP
	if len(header.Options) == 0 || header.Flags&tcp.ACK == 0 {
		return nil
	}
	blocks, n := header.Options.SACK()
	for _, b := range blocks[:n] {
		list = append(list, [2]uint32{uint32(b[0]-header.Ack) + e.Ack, uint32(b[1]-header.Ack) + e.Ack})
	}
	return list
}

func notesOf(findings []flow.Finding) []Note {
	if len(findings) == 0 {
		return nil
	}
	list := make([]Note, len(findings))
	for i, f := range findings {
		list[i] = Note{f, f.Label.String(), f.Why()}
	}
	return list
}

// says puts what can be read in a packet into its row, in one escaped line.
func (r *Row) says(e *flow.Event) {
	p := e.Packet
	if p.Protocol == internet.ICMP || p.Protocol == internet.ICMPv6 {
		r.Text = about(p)
		return
	}
	r.Text = preview(p.Payload)
	r.More = r.Text != "" && len(firstLine(p.Payload)) < len(p.Payload)
}

// maxPreview bounds how much of a payload is looked at.
const maxPreview = 400

// preview returns the first line of p, escaped and with its end, or nothing where
// it is not text.
func preview(p []byte) string {
	head := firstLine(p)
	if !isText(head) {
		return ""
	}
	return string(escape.Append(nil, head))
}

func firstLine(p []byte) []byte {
	head := p[:min(len(p), maxPreview)]
	if i := bytes.IndexByte(head, '\n'); i >= 0 {
		return head[:i+1]
	}
	return head
}

// isText reports whether p is a line that somebody may have written: UTF-8, cut
// anywhere, with no control characters but tabs and line ends.
func isText(p []byte) bool {
	for i, n := 0, len(p); i < n; {
		r, size := utf8.DecodeRune(p[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return i > 0 && !utf8.FullRune(p[i:])
		case r < ' ' && r != '\t' && r != '\r' && r != '\n', r == 0x7f:
			return false
		}
		i += size
	}
	return len(p) > 0
}
