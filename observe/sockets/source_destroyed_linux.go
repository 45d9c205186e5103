package sockets

import (
	"errors"
	"os"
	"time"

	"dialtone/link/netns"
	"dialtone/transport/tcp"

	"golang.org/x/sys/unix"
)

// destroyed are the kernel's notices of sockets that were destroyed, on sock_diag's
// groups SKNLGRP_INET_TCP_DESTROY and SKNLGRP_INET6_TCP_DESTROY. All else is left to
// looking.
type destroyed struct {
	fd     int
	buffer []byte
	missed uint64
}

const (
	groupTCPDestroy  = 1
	groupTCP6Destroy = 3
)

// openDestroyed needs no rights on recent kernels, and CAP_NET_ADMIN on old ones.
func openDestroyed(there netns.Namespace) (source, error) {
	s := &destroyed{fd: -1, buffer: make([]byte, bufferLen)}
	err := there.Do(func() (err error) {
		s.fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
		if err != nil {
			return os.NewSyscallError("socket", err)
		}
		_ = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20)
		const groups = 1<<(groupTCPDestroy-1) | 1<<(groupTCP6Destroy-1)
		return os.NewSyscallError("bind", unix.Bind(s.fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}))
	})
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *destroyed) sight() Sight {
	return Sight{Name: Destroyed, Blind: []string{
		"the end of each socket is told when it happens",
		"states that last shorter than from one look to the next are missed, and so are whole connections",
	}}
}

func (s *destroyed) lost() uint64 { return s.missed }

func (s *destroyed) close() error {
	if s.fd < 0 {
		return nil
	}
	err := unix.Close(s.fd)
	s.fd = -1
	return err
}

func (s *destroyed) read(until time.Time, each func(*event)) error {
	for {
		left := max(0, time.Until(until))
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLIN}}, int((left+time.Millisecond-1)/time.Millisecond))
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return os.NewSyscallError("poll", err)
		case n == 0:
			return nil
		}
		n, from, err := unix.Recvfrom(s.fd, s.buffer, unix.MSG_DONTWAIT)
		switch {
		case errors.Is(err, unix.ENOBUFS):
			s.missed++ // at least one
			continue
		case err != nil:
			return os.NewSyscallError("recvfrom", err)
		}
		if k, ok := from.(*unix.SockaddrNetlink); !ok || k.Pid != 0 {
			continue // only the kernel's word counts
		}
		s.parse(s.buffer[:n], time.Now(), each)
	}
}

// parse reads notices, which have the form of answers to no request.
func (s *destroyed) parse(p []byte, now time.Time, each func(*event)) {
	_, _ = messages(p, 0, func(body []byte) error {
		r := rows{zone: func(uint32) string { return "" }}
		if err := r.inet("tcp", body); err != nil {
			return err
		}
		row := r.list[0]
		each(&event{gone: true, Transition: Transition{
			At: now, To: State(tcp.Closed), Local: row.Local, Remote: row.Remote, Cookie: row.Cookie, UID: row.UID,
		}})
		return nil
	})
}
