package sockets

import (
	"errors"
	"os"
	"strconv"

	"dialtone/link/netns"

	"golang.org/x/sys/unix"
)

// bufferLen is more than the kernel puts into one datagram: it fills 32 KiB at a time
// for who reads with as much.
const bufferLen = 64 << 10

// dialogue asks the kernel, and reads its answers into rows.
type dialogue struct {
	config   Config
	fd       int // a netlink socket, or -1
	sequence uint32
	request  []byte
	buffer   []byte // nil until there is something to read
	rows     rows
	zones    map[uint32]string
}

func (d *dialogue) begin(c Config) {
	*d = dialogue{config: c, fd: -1, zones: map[uint32]string{}}
	d.rows.zone = d.zone
}

func (d *dialogue) close() error {
	fd := d.fd
	d.fd = -1
	if fd < 0 {
		return nil
	}
	return unix.Close(fd)
}

// connect opens the netlink socket, which stays in its namespace.
func (d *dialogue) connect() error {
	return netns.Namespace(d.config.Netns).Do(func() error {
		fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
		if err != nil {
			return os.NewSyscallError("socket", err)
		}
		// Connected to the kernel, it takes nobody else's word.
		if err := unix.Connect(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
			unix.Close(fd)
			return os.NewSyscallError("connect", err)
		}
		// The kernel answers within the call; the limit is for what we do not know.
		_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 5})
		d.fd = fd
		return nil
	})
}

// read reads what a request for sockets of network is answered.
func (d *dialogue) read(network string, r request) error {
	return d.dump(r.appendTo, func(body []byte) error { return d.rows.inet(network, body) })
}

// dump sends what ask writes and hands on the kernel's answers.
func (d *dialogue) dump(ask func(b []byte, sequence uint32) []byte, each func(body []byte) error) error {
	if d.fd < 0 {
		if err := d.connect(); err != nil {
			return err
		}
	}
	if d.buffer == nil {
		d.buffer = make([]byte, bufferLen)
	}
	d.sequence++
	d.request = ask(d.request[:0], d.sequence)
	if _, err := unix.Write(d.fd, d.request); err != nil {
		return os.NewSyscallError("write", err)
	}
	for {
		n, err := unix.Read(d.fd, d.buffer)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return os.NewSyscallError("read", err)
		}
		done, err := messages(d.buffer[:n], d.sequence, each)
		switch {
		case errors.Is(err, unix.ENOENT):
			return nil // no such family, protocol or connection: no sockets
		case err != nil || done:
			return err
		}
	}
}

// zone names an interface of the dialogue's namespace.
func (d *dialogue) zone(index uint32) string {
	name, ok := d.zones[index]
	if !ok {
		name = strconv.Itoa(int(index))
		if ifr, err := unix.NewIfreq("?"); err == nil {
			ifr.SetUint32(index)
			if unix.IoctlIfreq(d.fd, unix.SIOCGIFNAME, ifr) == nil {
				name = ifr.Name()
			}
		}
		d.zones[index] = name
	}
	return name
}
