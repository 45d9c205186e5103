package conversation

import (
	"syscall"

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

func (m *machine) Close() error {
	m.conn.Close(m.now)
	m.output()
	return nil
}

func (m *machine) CloseWrite() error {
	switch m.conn.State() {
	case tcp.Closed, tcp.SynSent:
		return syscall.ENOTCONN
	}
	m.conn.CloseWrite(m.now)
	m.output()
	return nil
}

func (m *machine) CloseRead() error {
	m.conn.CloseRead(m.now)
	m.output()
	return nil
}

func (m *machine) Abort() error {
	m.conn.Abort(m.now)
	m.output()
	return nil
}

func (m *machine) SetNoDelay() error {
	m.conn.SetNoDelay(true)
	m.output()
	return nil
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
