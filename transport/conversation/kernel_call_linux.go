package conversation

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"dialtone/transport/tcp"
)

// newSocket is a socket as given, bound to the port.
func (k *kernel) newSocket() (fd int, err error) {
	if fd, err = k.socket(); err != nil {
		return -1, err
	}
	set := func(level, name, value int) {
		if err == nil {
			err = unix.SetsockoptInt(fd, level, name, value)
		}
	}
	g := &k.given
	set(unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	congestion := g.Congestion
	if congestion == "" {
		congestion = "cubic"
	}
	if err == nil { // by the socket: a namespace cannot allow what the machine does not
		err = unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, congestion)
	}
	if g.SendBuffer > 0 { // the kernel doubles, for its own overhead
		set(unix.SOL_SOCKET, unix.SO_SNDBUF, g.SendBuffer)
	}
	if g.ReceiveBuffer > 0 {
		set(unix.SOL_SOCKET, unix.SO_RCVBUF, g.ReceiveBuffer)
	}
	if g.NoDelay {
		set(unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	}
	if a := g.KeepAlive; a.Idle > 0 {
		set(unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
		set(unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, int(a.Idle/time.Second))
		set(unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, int(a.Interval/time.Second))
		set(unix.IPPROTO_TCP, unix.TCP_KEEPCNT, a.Count)
	}
	if g.UserTimeout > 0 {
		set(unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(g.UserTimeout/time.Millisecond))
	}
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrInet4{Port: ourPort, Addr: ourAddr})
	}
	return fd, err
}

func (k *kernel) Connect() (err error) {
	if k.fd >= 0 {
		unix.Close(k.fd)
	}
	if k.fd, err = k.newSocket(); err != nil {
		return err
	}
	err = unix.Connect(k.fd, &unix.SockaddrInet4{Port: peerPort, Addr: peerAddr})
	if err == unix.EINPROGRESS {
		return nil
	}
	return err
}

func (k *kernel) Listen() (err error) {
	if k.listen, err = k.newSocket(); err != nil {
		return err
	}
	return unix.Listen(k.listen, 16)
}

func (k *kernel) Accept() error {
	fd, _, err := unix.Accept4(k.listen, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	if err == nil {
		k.fd = fd
	}
	return err
}

func (k *kernel) Write(p []byte) (int, error) {
	n, err := unix.SendmsgN(k.fd, p, nil, nil, unix.MSG_NOSIGNAL)
	return max(n, 0), err
}

func (k *kernel) Read(p []byte) (int, error) {
	n, err := unix.Read(k.fd, p)
	return max(n, 0), err
}

func (k *kernel) Close() error {
	fd := k.fd
	k.fd = -1
	return unix.Close(fd)
}

func (k *kernel) CloseWrite() error { return unix.Shutdown(k.fd, unix.SHUT_WR) }
func (k *kernel) CloseRead() error  { return unix.Shutdown(k.fd, unix.SHUT_RD) }

func (k *kernel) Abort() error {
	err := unix.SetsockoptLinger(k.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	if err != nil {
		return err
	}
	return k.Close()
}

func (k *kernel) SetNoDelay() error {
	return unix.SetsockoptInt(k.fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
}

func (k *kernel) Err() error {
	if k.fd < 0 {
		return nil
	}
	n, err := unix.GetsockoptInt(k.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil || n == 0 {
		return err
	}
	return unix.Errno(n)
}

// State looks the connection up in the namespace's table, where it is even when its
// user has closed it; the one that listens stands for none.
func (k *kernel) State() tcp.State {
	if _, err := k.table.Seek(0, io.SeekStart); err != nil {
		return 0
	}
	state := tcp.Closed
	for lines := bufio.NewScanner(k.table); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) < 4 || !strings.HasSuffix(words[1], fmt.Sprintf(":%04X", ourPort)) {
			continue
		}
		if !strings.HasSuffix(words[2], fmt.Sprintf(":%04X", peerPort)) {
			state = tcp.Listen
			continue
		}
		return kernelState(words[3])
	}
	return state
}

// kernelState is the state of a number in the table (include/net/tcp_states.h).
func kernelState(hex string) tcp.State {
	return map[string]tcp.State{
		"01": tcp.Established, "02": tcp.SynSent, "03": tcp.SynReceived, "04": tcp.FinWait1,
		"05": tcp.FinWait2, "06": tcp.TimeWait, "07": tcp.Closed, "08": tcp.CloseWait,
		"09": tcp.LastAck, "0A": tcp.Listen, "0B": tcp.Closing, "0C": tcp.SynReceived,
	}[hex]
}

func (k *kernel) Info() Info {
	if k.fd < 0 {
		return Info{}
	}
	i, err := unix.GetsockoptTCPInfo(k.fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return Info{}
	}
	info := Info{
		Cwnd: int(i.Snd_cwnd), Ssthresh: int(i.Snd_ssthresh), Backoff: int(i.Backoff),
		RTO: time.Duration(i.Rto) * time.Microsecond, RTT: time.Duration(i.Rtt) * time.Microsecond,
	}
	if i.Snd_ssthresh >= 0x7fffffff {
		info.Ssthresh = Unsaid
	}
	return info
}
