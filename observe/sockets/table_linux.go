package sockets

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"

	"dialtone/link/netns"

	"golang.org/x/sys/unix"
)

// bufferLen is more than the kernel puts into one datagram: it fills 32 KiB at a time
// for who reads with as much.
const bufferLen = 64 << 10

// Table reads the sockets of one network namespace. It is for one goroutine at a time.
type Table struct {
	config   Config
	fd       int // a netlink socket, or -1
	sequence uint32
	request  []byte
	buffer   []byte
	rows     rows
	owners   holders
	zones    map[uint32]string
}

// Open opens the socket table of a network namespace.
func Open(c Config) (*Table, error) {
	t := &Table{config: c, fd: -1, buffer: make([]byte, bufferLen), zones: map[uint32]string{}}
	t.rows.zone = t.zone
	if err := t.connect(); err != nil {
		return nil, err
	}
	return t, nil
}

// Close frees the table. It may be called more than once.
func (t *Table) Close() error {
	fd := t.fd
	t.fd = -1
	if fd < 0 {
		return nil
	}
	return unix.Close(fd)
}

// connect opens the netlink socket, which stays in its namespace.
func (t *Table) connect() error {
	return netns.Namespace(t.config.Netns).Do(func() error {
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
		t.fd = fd
		return nil
	})
}

// Read returns the sockets that q asks for, in the kernel's order. They, and what they
// point at, are good until the next Read.
func (t *Table) Read(q Query) ([]*Socket, error) {
	t.rows.reset()
	wantOwners := q.Owners || q.Filter.NeedsOwners()
	for _, network := range q.networks() {
		start := len(t.rows.list)
		if err := t.read(network, q); err != nil {
			t.Close() // what is left of the answers is of no use
			return nil, fmt.Errorf("read %s sockets: %w", network, err)
		}
		if !q.Filter.NeedsOwners() {
			t.rows.keep(start, q.Filter)
		}
	}
	if wantOwners && len(t.rows.list) > 0 {
		t.owners.fill(t.rows.list)
	}
	if q.Filter.NeedsOwners() {
		t.rows.keep(0, q.Filter)
	}
	return t.rows.list, nil
}

func (t *Table) read(network string, q Query) error {
	if network == "unix" {
		return t.dump(appendUnixRequest, func(body []byte) error { return t.rows.unix(body, q.Memory) })
	}
	for _, r := range q.requests(network) {
		err := t.dump(r.appendTo, func(body []byte) error { return t.rows.inet(network, body) })
		if err != nil {
			return err
		}
	}
	return nil
}

// dump sends what ask writes and hands on the kernel's answers.
func (t *Table) dump(ask func(b []byte, sequence uint32) []byte, each func(body []byte) error) error {
	if t.fd < 0 {
		if err := t.connect(); err != nil {
			return err
		}
	}
	t.sequence++
	t.request = ask(t.request[:0], t.sequence)
	if _, err := unix.Write(t.fd, t.request); err != nil {
		return os.NewSyscallError("write", err)
	}
	for {
		n, err := unix.Read(t.fd, t.buffer)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return os.NewSyscallError("read", err)
		}
		done, err := messages(t.buffer[:n], t.sequence, each)
		switch {
		case errors.Is(err, unix.ENOENT):
			return nil // no such family, protocol or connection: no sockets
		case err != nil || done:
			return err
		}
	}
}

// zone names an interface of the table's namespace.
func (t *Table) zone(index uint32) string {
	name, ok := t.zones[index]
	if !ok {
		name = strconv.Itoa(int(index))
		if ifr, err := unix.NewIfreq("?"); err == nil {
			ifr.SetUint32(index)
			if unix.IoctlIfreq(t.fd, unix.SIOCGIFNAME, ifr) == nil {
				name = ifr.Name()
			}
		}
		t.zones[index] = name
	}
	return name
}

// Find returns the TCP connection with these ends, with its Info if asked, or nil. It is
// good until the next Read or Find.
func (t *Table) Find(local, remote netip.AddrPort, info bool) (*Socket, error) {
	e := exact{local: local, remote: remote}
	if info {
		e.attributes = 1 << (attrInfo - 1)
	}
	t.rows.reset()
	err := t.dump(e.appendTo, func(body []byte) error { return t.rows.inet("tcp", body) })
	if err != nil || len(t.rows.list) == 0 {
		return nil, err
	}
	s := t.rows.list[0]
	if wire(s.Local, s.Remote) != wire(local, remote) {
		return nil, nil // a listener, which would take what came
	}
	return s, nil
}
