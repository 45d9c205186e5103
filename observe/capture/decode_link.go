package capture

import "dialtone/link"

func (p *Packet) ethernet(b []byte) {
	var h link.Ethernet
	payload, err := h.Parse(b)
	if err != nil {
		p.stop(err, 0)
		return
	}
	at := link.EthernetLen + len(h.Tags)
	end := at + len(payload)
	p.add(KindEthernet, 0, link.EthernetLen)
	if len(h.Tags) > 0 && !p.tags(h.Tags, link.EthernetLen) {
		return
	}
	if h.Type == 0 {
		p.llc(at, end)
	} else {
		p.network(h.Type, at, end)
	}
}

// tags notes VLAN tags. On the wire a tag's type stands where the frame's would: its
// layer, from at on, is the control information and the type that follows.
func (p *Packet) tags(tags []byte, at int) bool {
	for len(tags) > 0 {
		tag, inner, err := link.ParseTag(tags)
		if err != nil || !p.add(KindVLAN, at, at+link.TagLen) {
			return false
		}
		p.tag(tag)
		tags, at = inner, at+link.TagLen
	}
	return true
}

// tag takes a tag into account that says what VLAN the frame is of: not one with
// number 0, which is there for its priority (IEEE 802.1Q §9.6), nor a third one.
func (p *Packet) tag(t link.Tag) {
	id := uint32(t.ID())
	switch {
	case id == 0:
	case p.VLAN == 0:
		p.VLAN = id + 1
	case p.VLAN>>16 == 0:
		p.VLAN |= (id + 1) << 16
	}
}

func (p *Packet) llc(at, end int) {
	h, payload, err := link.ParseLLC(p.Data[at:end])
	if err != nil {
		p.stop(err, at)
		return
	}
	start := end - len(payload)
	p.add(KindLLC, at, start)
	if h.DSAP != link.SAPSNAP || h.SSAP != link.SAPSNAP || h.Control != 3 {
		p.rest(start, end)
		p.trailer(end)
		return
	}
	snap, payload, err := link.ParseSNAP(payload)
	if err != nil {
		p.stop(err, start)
		return
	}
	p.add(KindSNAP, start, end-len(payload))
	start = end - len(payload)
	if snap.OUI != [3]byte{} { // another's numbers, not EtherTypes
		p.rest(start, end)
		p.trailer(end)
		return
	}
	p.network(snap.Type, start, end)
}

func (p *Packet) cooked(b []byte) {
	h, _, err := link.ParseSLL(b)
	if err != nil {
		p.stop(err, 0)
		return
	}
	p.add(KindSLL, 0, link.SLLLen)
	p.behindCooked(h.Type, link.SLLLen)
}

func (p *Packet) cooked2(b []byte) {
	h, _, err := link.ParseSLL2(b)
	if err != nil {
		p.stop(err, 0)
		return
	}
	p.add(KindSLL2, 0, link.SLL2Len)
	p.behindCooked(h.Type, link.SLL2Len)
}

// cookedLLC is Linux's own number for a frame with an LLC header (ETH_P_802_2).
const cookedLLC = 4

var errTagCut = &link.HeaderError{Layer: "VLAN tag", Rule: "fewer than 4 bytes"}

// behindCooked goes on behind a cooked header, whose type may be that of a tag.
func (p *Packet) behindCooked(t link.EtherType, at int) {
	for t.IsTag() {
		if len(p.Data) < at+link.TagLen {
			p.stop(errTagCut, at)
			return
		}
		b := p.Data[at:]
		p.tag(link.Tag{Type: t, Control: uint16(b[0])<<8 | uint16(b[1])})
		if !p.add(KindVLAN, at, at+link.TagLen) {
			return
		}
		t, at = link.EtherType(b[2])<<8|link.EtherType(b[3]), at+link.TagLen
	}
	if t == cookedLLC {
		p.llc(at, len(p.Data))
		return
	}
	p.network(t, at, len(p.Data))
}

func (p *Packet) loopback(b []byte) {
	h, _, err := link.ParseLoopback(b)
	if err != nil {
		p.stop(err, 0)
		return
	}
	p.add(KindLoopback, 0, link.LoopbackLen)
	p.network(h.Type(), link.LoopbackLen, len(b))
}

var errNoVersion = &link.HeaderError{Layer: "IP", Rule: "version is neither 4 nor 6"}

// raw is a packet without a link layer: its first bits tell its version.
func (p *Packet) raw(b []byte) {
	switch {
	case len(b) == 0:
	case b[0]>>4 == 4:
		p.ipv4(0, len(b))
	case b[0]>>4 == 6:
		p.ipv6(0, len(b))
	default:
		p.stop(errNoVersion, 0)
	}
}
