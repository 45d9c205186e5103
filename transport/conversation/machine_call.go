package conversation

import (
	"syscall"
	"time"

	"dialtone/transport/tcp"
)

func (m *machine) Connect() error {
	m.begin(tcp.Connect(&m.config, m.now))
	return nil
}

func (m *machine) Listen() error {
	m.listening = true
	return nil
}

func (m *machine) Accept() error {
	if m.conn == nil || m.conn.State() < tcp.Established {
		return errWouldBlock
	}
	return nil
}

func (m *machine) Write(p []byte) (int, error) {
	if m.conn == nil {
		return 0, syscall.EPIPE
	}
	if err := m.Err(); err != nil {
		return 0, err
	}
	n := m.conn.Write(m.now, p)
	switch {
	case n == len(p):
	case m.conn.Writable() < 0:
		return n, syscall.EPIPE
	default:
		return n, errWouldBlock
	}
	m.output()
	return n, nil
}

func (m *machine) Read(p []byte) (int, error) {
	if m.conn == nil {
		return 0, syscall.ENOTCONN
	}
	n := m.conn.Read(m.now, p)
	if n == 0 {
		if err := m.Err(); err != nil {
			return 0, err
		}
		if _, end := m.conn.Readable(); !end && m.conn.State() != tcp.Closed {
			return 0, errWouldBlock
		}
	}
	m.output()
	return n, nil
}

func (m *machine) Close() error { return m.call((*tcp.Conn).Close) }

// call makes a call that only a connection has.
func (m *machine) call(f func(c *tcp.Conn, now time.Duration)) error {
	if m.conn == nil {
		return syscall.ENOTCONN
	}
	f(m.conn, m.now)
	m.output()
	return nil
}

func (m *machine) CloseWrite() error {
	if m.conn != nil && (m.conn.State() == tcp.Closed || m.conn.State() == tcp.SynSent) {
		return syscall.ENOTCONN
	}
	return m.call((*tcp.Conn).CloseWrite)
}

func (m *machine) CloseRead() error { return m.call((*tcp.Conn).CloseRead) }
func (m *machine) Abort() error     { return m.call((*tcp.Conn).Abort) }

func (m *machine) SetNoDelay() error {
	return m.call(func(c *tcp.Conn, _ time.Duration) { c.SetNoDelay(true) })
}

func (m *machine) State() tcp.State {
	switch {
	case m.wait != nil:
		return tcp.TimeWait
	case m.conn != nil && m.conn.State() != tcp.Closed:
		return m.conn.State()
	case m.listening:
		return tcp.Listen
	}
	return tcp.Closed
}

// Err tells an error once, as a socket does.
func (m *machine) Err() error {
	if m.conn == nil || m.told || m.conn.Err() == nil {
		return nil
	}
	m.told = true
	return m.conn.Err()
}

func (m *machine) Info() Info {
	if m.conn == nil {
		return Info{}
	}
	i := m.conn.Info()
	info := Info{
		Cwnd: i.CongestionWin / i.MaxSegment, Ssthresh: i.Threshold / i.MaxSegment,
		RTO: i.RTO, RTT: i.RTT, Backoff: i.Backoff,
	}
	if i.Threshold == 1<<31-1 {
		info.Ssthresh = Unsaid
	}
	return info
}
