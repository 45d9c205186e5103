package host

import (
	"cmp"
	"net/netip"
	"slices"

	"dialtone/transport/tcp"
)

// A Socket is a row of the table of a host's sockets.
type Socket struct {
	Network       string // tcp, udp
	Local, Remote netip.AddrPort
	State         tcp.State // 0 of UDP
	RecvQueue     int       // bytes to be read; of a listener connections to be accepted
	SendQueue     int       // bytes not acknowledged
}

// Sockets are a host's, those that listen first, in order of their addresses. Those in
// TIME_WAIT are among them.
func (h *Host) Sockets() []Socket {
	list := h.udpSockets(h.tcpSocketList())
	slices.SortFunc(list, func(a, b Socket) int {
		return cmp.Or(cmp.Compare(a.Network, b.Network), cmp.Compare(a.State, b.State),
			a.Local.Compare(b.Local), a.Remote.Compare(b.Remote))
	})
	return list
}

func (h *Host) tcpSocketList() (list []Socket) {
	s := &h.tcp
	s.mu.Lock()
	listeners := s.listeners.all()
	conns := make([]*TCPConn, 0, len(s.conns))
	for _, c := range s.conns {
		conns = append(conns, c)
	}
	for f := range s.waits.records {
		list = append(list, Socket{Network: "tcp", Local: f.local(), Remote: f.remote(), State: tcp.TimeWait})
	}
	s.mu.Unlock()
	for _, l := range listeners {
		list = append(list, l.socket())
	}
	for _, c := range conns {
		list = append(list, c.socket())
	}
	return list
}

func (l *TCPListener) socket() Socket {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Socket{Network: "tcp", Local: l.local, State: tcp.Listen, RecvQueue: l.backlog.queued}
}

func (c *TCPConn) socket() Socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.machine.Info()
	return Socket{
		Network: "tcp", Local: c.flow.local(), Remote: c.flow.remote(), State: i.State,
		RecvQueue: i.Unread, SendQueue: i.Unacked + i.Unsent,
	}
}
