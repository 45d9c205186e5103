package conversation

import (
	"slices"
	"syscall"
	"time"

	"dialtone/internet"
	"dialtone/transport/tcp"
)

// A machine drives a tcp.Conn on a virtual clock, and does for it the little that a
// host does: it listens, keeps the record of TIME_WAIT, and answers what belongs to
// no connection.
type machine struct {
	config    tcp.Config
	now       time.Duration
	conn      *tcp.Conn // nil before the first call
	wait      *tcp.TimeWaitRecord
	listening bool
	told      bool // the user has been told of conn.Err
	sent      []*Sent
}

// NewMachine makes an end of our own.
func NewMachine(s *Script) End {
	g := s.Given(Ours)
	mtu := g.MTU
	if mtu == 0 {
		mtu = 1500
	}
	return &machine{config: tcp.Config{
		LocalPort: ourPort, RemotePort: peerPort, ISS: g.ISS,
		MaxSegment: mtu - ipAndTCP,
		SendBuffer: g.SendBuffer, RecvBuffer: g.ReceiveBuffer,
		NoDelay: g.NoDelay, KeepAlive: g.KeepAlive, UserTimeout: g.UserTimeout, Congestion: g.Congestion,
		NoSACK: g.NoSACK, NoTimestamps: g.NoTimestamps, NoWindowScale: g.NoScaling,
	}}
}

// ipAndTCP are the bytes of both headers without options.
const ipAndTCP = 40

func (m *machine) Now() time.Duration { return m.now }
func (m *machine) Where() Where       { return Ours }
func (m *machine) Stop()              {}

// Segment implements tcp.Sink.
func (m *machine) Segment(h *tcp.Header, head, tail []byte) {
	s := &Sent{Header: *h, Payload: slices.Concat(head, tail), At: m.now}
	s.Header.Options = slices.Clone(h.Options)
	m.sent = append(m.sent, s)
}

// output is what follows every call of the machine.
func (m *machine) output() {
	m.conn.Output(m.now, m)
	if w, ok := m.conn.TimeWait(); ok && m.wait == nil {
		m.wait = &w
	}
}

func (m *machine) Next(until time.Duration) *Sent {
	for len(m.sent) == 0 {
		at := m.deadline()
		if at > until {
			m.now = max(m.now, until)
			return nil
		}
		m.now = max(m.now, at)
		m.expire()
	}
	s := m.sent[0]
	m.sent = m.sent[1:]
	return s
}

func (m *machine) deadline() time.Duration {
	switch {
	case m.wait != nil:
		return m.wait.Deadline()
	case m.conn != nil:
		return m.conn.Deadline()
	}
	return tcp.Never
}

func (m *machine) expire() {
	if m.wait != nil {
		m.wait, m.conn = nil, nil
		return
	}
	m.conn.Expire(m.now)
	m.output()
}

func (m *machine) Input(h *tcp.Header, payload []byte) {
	switch {
	case m.wait != nil:
		m.inputWait(h, payload)
	case m.conn != nil && m.conn.State() != tcp.Closed:
		m.conn.Input(m.now, h, payload)
		m.output()
	case m.listening:
		accept, rst, answer := tcp.Listening(h, len(payload))
		if accept {
			m.begin(tcp.Accept(&m.config, m.now, h, payload))
		}
		m.reply(&rst, answer)
	default:
		rst, answer := tcp.Reset(h, len(payload))
		m.reply(&rst, answer)
	}
}

func (m *machine) inputWait(h *tcp.Header, payload []byte) {
	reply, answer, reopen := m.wait.Input(m.now, h, len(payload), m.listening)
	if !reopen {
		m.reply(&reply, answer)
		return
	}
	m.config.ISS = m.wait.ISS(m.config.ISS)
	m.wait = nil
	m.begin(tcp.Accept(&m.config, m.now, h, payload))
}

func (m *machine) begin(c *tcp.Conn) {
	m.conn, m.told = c, false
	m.output()
}

func (m *machine) reply(h *tcp.Header, answer bool) {
	if answer {
		m.Segment(h, nil, nil)
	}
}

// Unreachable does what a host does with an error message: net, host and time
// exceeded are soft (RFC 9293 §3.9.2.2).
func (m *machine) Unreachable(i ICMP, _ *tcp.Header) {
	if m.conn == nil {
		return
	}
	if i.Type == internet.ICMPv4Unreachable && i.Code == internet.ICMPv4FragmentationNeeded {
		m.conn.SetMaxSegment(m.now, i.MTU-ipAndTCP)
	} else if err, hard := i.meaning(); err != nil {
		m.conn.Unreachable(m.now, err, hard)
	}
	m.output()
}

// meaning is what the kernel makes of a message; a source quench says nothing.
func (i ICMP) meaning() (err error, hard bool) { //nolint:staticcheck // the error is what is returned
	switch {
	case i.Type == internet.ICMPv4TimeExceeded:
		return syscall.EHOSTUNREACH, false
	case i.Type == internet.ICMPv4ParameterProblem:
		return syscall.EPROTO, false
	case i.Type != internet.ICMPv4Unreachable:
		return nil, false
	}
	switch i.Code {
	case 0:
		return syscall.ENETUNREACH, false
	case 2:
		return syscall.ENOPROTOOPT, true
	case internet.ICMPv4PortUnreachable:
		return syscall.ECONNREFUSED, true
	case 5:
		return syscall.EOPNOTSUPP, false
	}
	return syscall.EHOSTUNREACH, false
}
