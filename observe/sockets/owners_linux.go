package sockets

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	maxSockets = 256 // a port can have as many connections as there are peers
	maxBuffer  = 64 << 10
)

// The kernel's states that own a port: LISTEN and bound without listening for
// TCP, CLOSE (not connected) and ESTABLISHED for UDP.
const (
	tcpOwning = 1<<10 | 1<<13
	tcpOthers = 1<<1 | 1<<2 | 1<<3 | 1<<4 | 1<<5 | 1<<6 | 1<<8 | 1<<9 | 1<<11
	udpOwning = 1<<7 | 1<<1
)

func owners(network string, port uint16) ([]Socket, error) {
	masks, protocol := []uint32{tcpOwning, tcpOthers}, uint8(unix.IPPROTO_TCP)
	if network == "udp" {
		masks, protocol = []uint32{udpOwning}, unix.IPPROTO_UDP
	}
	var list []Socket
	for _, states := range masks {
		for _, family := range []uint8{familyINET, familyINET6} {
			err := dump(diagRequest(family, protocol, states, port), func(a diagAnswer) bool {
				if len(list) < maxSockets && a.local.Port() == port {
					list = append(list, a.socket(network))
				}
				return len(list) < maxSockets
			})
			if err != nil {
				return nil, err
			}
		}
		if len(list) > 0 {
			break
		}
	}
	addProcesses(list)
	return list, nil
}

// dump sends one request and hands on what the kernel answers, until each
// returns false.
func dump(request []byte, each func(diagAnswer) bool) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	// The kernel answers within the call; the limit is for what we do not know.
	_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 5})
	if err := unix.Sendto(fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return os.NewSyscallError("sendto", err)
	}
	more := true
	for buf := make([]byte, maxBuffer); more; {
		n, from, err := unix.Recvfrom(fd, buf, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return os.NewSyscallError("recvfrom", err)
		}
		if k, ok := from.(*unix.SockaddrNetlink); !ok || k.Pid != 0 {
			continue // only the kernel's word counts
		}
		done, err := parseDiag(buf[:n], func(a diagAnswer) { more = more && each(a) })
		var code kernelError
		switch {
		case errors.As(err, &code) && syscall.Errno(code) == syscall.ENOENT:
			return nil // the kernel has no such family or protocol: no sockets
		case errors.As(err, &code):
			return fmt.Errorf("sock_diag: %w", syscall.Errno(code))
		case err != nil || done:
			return err
		}
	}
	return nil
}

func (a diagAnswer) socket(network string) Socket {
	s := Socket{
		Network: network, Local: a.local, Remote: a.remote,
		State: stateOf(network, a.state), IPv6Only: a.v6only, UID: a.uid, Inode: a.inode,
	}
	if a.remote.Port() == 0 && a.remote.Addr().IsUnspecified() {
		s.Remote = netip.AddrPort{}
	}
	if ip := a.local.Addr(); ip.Is6() && ip.IsLinkLocalUnicast() && a.ifindex != 0 {
		if ifi, err := net.InterfaceByIndex(int(a.ifindex)); err == nil {
			s.Local = netip.AddrPortFrom(ip.WithZone(ifi.Name), a.local.Port())
		}
	}
	return s
}

// stateOf translates the kernel's numbers (include/net/tcp_states.h).
func stateOf(network string, n uint8) State {
	states := [...]State{
		"", Established, SynSent, SynReceived, FinWait1, FinWait2, TimeWait, Closed,
		CloseWait, LastAck, Listen, Closing, SynReceived, Bound,
	}
	switch {
	case network == "udp" && n == 1:
		return Connected
	case network == "udp":
		return Unconnected
	case int(n) < len(states):
		return states[n]
	}
	return State(fmt.Sprintf("STATE-%d", n))
}
