//go:build linux

package main

import (
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"dialtone/link"
)

// portEndpoint lets gVisor's stack use one of our links: a frame is copied once each
// way. The stations know each other's address, so that there is no ARP.
type portEndpoint struct {
	port       link.Port
	mac, peer  link.MAC
	mtu        uint32
	dispatcher stack.NetworkDispatcher
}

func newPortEndpoint(p link.Port, n byte) *portEndpoint {
	return &portEndpoint{port: p, mtu: uint32(p.MTU()), mac: link.MAC{2, 0, 0, 0, 0, n}, peer: link.MAC{2, 0, 0, 0, 0, 3 - n}}
}

func (e *portEndpoint) WritePackets(list stack.PacketBufferList) (int, tcpip.Error) {
	frames := make([]*link.Frame, 0, list.Len())
	for _, p := range list.AsSlice() {
		f := link.NewFrame(p.Size())
		n := 0
		for _, s := range p.AsSlices() {
			n += copy(f.Data[n:], s)
		}
		h := link.Ethernet{Dst: e.peer, Src: e.mac, Type: link.TypeIPv4}
		h.Append(f.Prepend(link.EthernetLen)[:0])
		frames = append(frames, f)
	}
	e.port.Send(frames)
	return len(frames), nil
}

func (e *portEndpoint) Attach(d stack.NetworkDispatcher) {
	e.dispatcher = d
	if d == nil {
		e.port.Attach(nil)
		return
	}
	e.port.Attach(func(frames []*link.Frame) {
		for _, f := range frames {
			p := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(f.Data[link.EthernetLen:])})
			d.DeliverNetworkPacket(header.IPv4ProtocolNumber, p)
			p.DecRef()
			f.Free()
		}
	})
}

func (e *portEndpoint) IsAttached() bool                             { return e.dispatcher != nil }
func (e *portEndpoint) Wait()                                        {}
func (e *portEndpoint) Close()                                       {}
func (e *portEndpoint) MTU() uint32                                  { return e.mtu }
func (e *portEndpoint) SetMTU(mtu uint32)                            { e.mtu = mtu }
func (e *portEndpoint) MaxHeaderLength() uint16                      { return 0 }
func (e *portEndpoint) Capabilities() stack.LinkEndpointCapabilities { return 0 }
func (e *portEndpoint) LinkAddress() tcpip.LinkAddress               { return tcpip.LinkAddress(e.mac[:]) }
func (e *portEndpoint) SetLinkAddress(tcpip.LinkAddress)             {}
func (e *portEndpoint) ARPHardwareType() header.ARPHardwareType      { return header.ARPHardwareNone }
func (e *portEndpoint) AddHeader(*stack.PacketBuffer)                {}
func (e *portEndpoint) ParseHeader(*stack.PacketBuffer) bool         { return true }
func (e *portEndpoint) SetOnCloseAction(func())                      {}
