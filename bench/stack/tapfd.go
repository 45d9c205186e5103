//go:build linux

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"dialtone/host"
	"dialtone/link"
	"dialtone/link/netns"
	"dialtone/link/tap"
)

// openTap joins a stack, at addressA where it is to send and at addressB where it is to
// receive, to a kernel by a TAP device.
func openTap(name string, out bool) (p *pair, err error) {
	own, other := addressA, addressB
	if !out {
		own, other = other, own
	}
	k := kernelEnd{fmt.Sprintf("tap-bench-%d", os.Getpid())}
	if err := ip("netns add " + k.name); err != nil {
		return nil, err
	}
	var e end
	var stop func()
	if name == "netstack" {
		e, stop, err = netstackOnTap(k, own, other)
	} else {
		e, stop, err = oursOnTap(k, own, other)
	}
	p = &pair{e, k, func() { stop(); ip("netns del " + k.name) }}
	if err != nil {
		ip("netns del " + k.name)
		return nil, err
	}
	if !out {
		p.a, p.b = p.b, p.a
	}
	return p, nil
}

func oursOnTap(k kernelEnd, own, other string) (end, func(), error) {
	d, err := tap.Open(tap.Config{
		Name: "tap0", Netns: "/run/netns/" + k.name, SuperFrames: true,
		Prefix: netip.PrefixFrom(netip.MustParseAddr(other), 24),
	})
	if err != nil {
		return nil, nil, err
	}
	h := host.New("h", host.Attach(d, own+"/24"))
	return ourEnd{h}, func() { h.Close(); d.Close() }, nil
}

func netstackOnTap(k kernelEnd, own, other string) (end, func(), error) {
	t := &tapEndpoint{mtu: 1500, mac: link.MAC{2, 0, 0, 0, 0, 1}, peer: link.MAC{2, 0, 0, 0, 0, 2}, done: make(chan struct{})}
	if err := netns.Named(k.name).Do(t.open); err != nil {
		return nil, nil, err
	}
	for _, line := range []string{
		"link set tap0 address " + t.peer.String(),
		"addr add " + other + "/24 dev tap0",
		"link set tap0 up",
		"neigh add " + own + " lladdr " + t.mac.String() + " dev tap0",
	} {
		if err := ip("-n " + k.name + " " + line); err != nil {
			return nil, nil, err
		}
	}
	s, err := newNetstack(t, own)
	if err != nil {
		return nil, nil, err
	}
	return gvisorEnd{s}, func() { t.file.Close(); <-t.done; s.Close() }, nil
}

// tapEndpoint is a TAP device with a virtio header for gVisor's stack, as good as its
// own one for packet sockets: super-segments and checksums left to the kernel both ways,
// nothing copied.
type tapEndpoint struct {
	portEndpoint
	file *os.File
	raw  syscall.RawConn
	done chan struct{}
	mtu  uint32
	mac  link.MAC
	peer link.MAC
}

func (t *tapEndpoint) open() error {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	r, err := unix.NewIfreq("tap0")
	if err != nil {
		return err
	}
	r.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI | unix.IFF_VNET_HDR)
	err = errors.Join(unix.IoctlIfreq(fd, unix.TUNSETIFF, r), unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, unix.TUN_F_CSUM|unix.TUN_F_TSO4))
	if err != nil {
		return err
	}
	t.file = os.NewFile(uintptr(fd), "tap0")
	t.raw, err = t.file.SyscallConn()
	return err
}

const vnetLen = 10

// WritePackets writes each packet in one call.
func (t *tapEndpoint) WritePackets(list stack.PacketBufferList) (n int, failed tcpip.Error) {
	_ = t.raw.Control(func(fd uintptr) {
		for _, p := range list.AsSlice() {
			if _, err := unix.Writev(int(fd), append([][]byte{t.front(p)}, p.AsSlices()...)); err != nil {
				failed = &tcpip.ErrAborted{}
				return
			}
			n++
		}
	})
	return n, failed
}

// front is the virtio header and the Ethernet header of a packet.
func (t *tapEndpoint) front(p *stack.PacketBuffer) []byte {
	front := make([]byte, vnetLen, vnetLen+link.EthernetLen)
	native := binary.NativeEndian
	if g := p.GSOOptions; g.Type != stack.GSONone {
		native.PutUint16(front[2:], link.EthernetLen+uint16(p.HeaderSize()))
		if g.NeedsCsum {
			front[0] = 1
			native.PutUint16(front[6:], link.EthernetLen+g.L3HdrLen)
			native.PutUint16(front[8:], g.CsumOffset)
		}
		if p.Data().Size() > int(g.MSS) {
			front[1] = 1 // GSO of TCP over IPv4
			native.PutUint16(front[4:], g.MSS)
		}
	}
	h := link.Ethernet{Dst: t.peer, Src: t.mac, Type: link.TypeIPv4}
	return h.Append(front)
}

func (t *tapEndpoint) Attach(d stack.NetworkDispatcher) {
	t.dispatcher = d
	if d != nil {
		go t.read()
	}
}

// read reads packets into pooled memory until the device is closed.
func (t *tapEndpoint) read() {
	defer close(t.done)
	front := make([]byte, vnetLen+link.EthernetLen)
	for {
		view := buffer.NewViewSize(buffer.MaxChunkSize)
		n, parts := 0, [][]byte{front, view.AsSlice()}
		var err error
		if t.raw.Read(func(fd uintptr) bool {
			n, err = unix.Readv(int(fd), parts)
			return !errors.Is(err, unix.EAGAIN)
		}) != nil || err != nil {
			view.Release()
			return
		}
		if binary.BigEndian.Uint16(front[vnetLen+12:]) != uint16(link.TypeIPv4) {
			view.Release()
			continue
		}
		view.CapLength(n - len(front))
		p := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithView(view)})
		p.RXChecksumValidated = true
		t.dispatcher.DeliverNetworkPacket(header.IPv4ProtocolNumber, p)
		p.DecRef()
	}
}

func (t *tapEndpoint) MTU() uint32                      { return t.mtu }
func (t *tapEndpoint) LinkAddress() tcpip.LinkAddress   { return tcpip.LinkAddress(t.mac[:]) }
func (t *tapEndpoint) GSOMaxSize() uint32               { return 65_000 }
func (t *tapEndpoint) SupportedGSO() stack.SupportedGSO { return stack.HostGSOSupported }

func (t *tapEndpoint) Capabilities() stack.LinkEndpointCapabilities {
	return stack.CapabilityRXChecksumOffload
}
