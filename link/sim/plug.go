package sim

import (
	"slices"

	"dialtone/link"
)

// plug is where a link ends at a switch.
type plug struct {
	owner *Switch
	port  link.Port
	out   []batch // of the call of input that is running
}

// batch is what is to go to a plug.
type batch struct {
	to     *plug
	frames []*link.Frame
}

// Cable plugs the B end of a new cable in, and returns the cable for a station at A.
func (s *Switch) Cable(c Config) *Cable {
	cable := s.net.NewCable(c)
	s.mu.Lock()
	s.cables = append(s.cables, cable)
	s.mu.Unlock()
	s.Plug(cable.B())
	return cable
}

// Plug joins a link to the switch: a cable's end, for another switch at the other end,
// or any other port. The switch attaches itself to it.
func (s *Switch) Plug(port link.Port) {
	p := &plug{owner: s, port: port}
	s.mu.Lock()
	s.plugs = append(s.plugs, p)
	s.mu.Unlock()
	port.Attach(p.input)
}

// Close unplugs everything and closes the cables that the switch has made.
func (s *Switch) Close() error {
	s.mu.Lock()
	plugs, cables := s.plugs, s.cables
	s.plugs, s.cables = nil, nil
	clear(s.table)
	s.mu.Unlock()
	for _, p := range plugs {
		p.port.Attach(nil)
	}
	for _, c := range cables {
		c.Close()
	}
	return nil
}

// input sends frames where they belong: decided under the lock, sent without it.
func (p *plug) input(frames []*link.Frame) {
	s := p.owner
	s.mu.Lock()
	for _, f := range frames {
		p.forward(f)
	}
	s.mu.Unlock()
	for i := range p.out {
		if b := &p.out[i]; len(b.frames) > 0 {
			b.to.port.Send(b.frames)
			clear(b.frames)
			b.frames = b.frames[:0]
		}
	}
}

// forward decides where one frame goes.
func (p *plug) forward(f *link.Frame) {
	if len(f.Data) < link.EthernetLen {
		f.Free()
		return
	}
	dst, src := link.MAC(f.Data), link.MAC(f.Data[6:])
	s := p.owner
	var to *plug
	if s.learns {
		now := s.net.clock()
		s.learn(now, src, p)
		to = s.find(now, dst)
	}
	switch to {
	case nil:
		p.flood(f)
	case p:
		f.Free() // it is where it belongs already
	default:
		p.put(to, f)
	}
}

// flood sends a frame to all others.
func (p *plug) flood(f *link.Frame) {
	for _, to := range p.owner.plugs {
		if to != p {
			p.put(to, f.Clone())
		}
	}
	f.Free()
}

// put adds a frame to the batch for a plug.
func (p *plug) put(to *plug, f *link.Frame) {
	at := slices.IndexFunc(p.out, func(b batch) bool { return b.to == to })
	if at < 0 {
		at = len(p.out)
		p.out = append(p.out, batch{to: to})
	}
	p.out[at].frames = append(p.out[at].frames, f)
}
