package ladder

import (
	"fmt"
	"strings"

	"dialtone/internet"
	"dialtone/observe/capture"
)

// Summary says in one line what a frame is: who to whom, and the innermost
// header that says something.
func Summary(p *capture.Packet) string {
	boxes := Layers(p)
	text, who := "", ""
	for i := range boxes {
		b := &boxes[i]
		if layerOf(p, i).Quoted {
			break
		}
		switch b.Kind {
		case capture.KindPayload, capture.KindTrailer, capture.KindNone:
			continue
		case capture.KindEthernet, capture.KindIPv4, capture.KindIPv6:
			who, text = b.Summary, b.Name
			continue
		case capture.KindARP, capture.KindRARP:
			who = ""
		}
		text = strings.TrimSpace(b.Name + " " + b.Summary)
	}
	if p.More || p.FragOff > 0 {
		text = fmt.Sprintf("IPv%d fragment, bytes %d to %d of packet 0x%x", p.Version, p.FragOff, p.FragOff+p.Len, p.ID)
	}
	if who != "" {
		text = who + "  " + text
	}
	if p.Err != nil {
		text += "; " + p.Err.Error()
	}
	return text
}

func layerOf(p *capture.Packet, i int) capture.Layer {
	if l := p.Layers(); i < len(l) {
		return l[i]
	}
	return capture.Layer{}
}

// about says what the ICMP error of a conversation is.
func about(p *capture.Packet) string {
	for _, l := range p.Layers() {
		if l.Kind != capture.KindICMPv4 && l.Kind != capture.KindICMPv6 {
			continue
		}
		if h, _, err := internet.ParseICMP(p.Data[l.Start:]); err == nil {
			return p.Protocol.String() + " " + icmpText(&h, p.Protocol)
		}
	}
	return p.Protocol.String()
}
