package flow_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"dialtone/link/cable"
)

// wire is two kernels, one in each of two namespaces, joined by a cable, with what
// a sniffer beside each of them saw.
type wire struct {
	t testing.TB
	*cable.Cable
	seen [2]*sightings // beside A and beside B
}

// A sighting is one frame that a sniffer saw.
type sighting struct {
	at    time.Time
	sent  bool // by the end that the sniffer is beside
	frame []byte
}

// sightings are filled by the cable and read once it is quiet or closed.
type sightings struct {
	mu   sync.Mutex
	list []sighting
}

func (s *sightings) see(at time.Time, sent bool, frame []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, sighting{at, sent, append([]byte(nil), frame...)})
}

func (s *sightings) all() []sighting {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]sighting(nil), s.list...)
}

// lay opens the cable, or skips where that is not allowed.
func lay(t testing.TB, c cable.Config) *wire {
	t.Helper()
	w := &wire{t: t, seen: [2]*sightings{new(sightings), new(sightings)}}
	c.TapA, c.TapB = w.seen[0].see, w.seen[1].see
	var err error
	w.Cable, err = cable.Open(c)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.ENOENT) {
		t.Skipf("needs root and /dev/net/tun: %v", err)
	}
	w.must(err)
	t.Cleanup(func() { w.Cable.Close() })
	return w
}

// must ends the test where err is not nil.
func (w *wire) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// ip runs the ip command of iproute2 at an end.
func (w *wire) ip(e *cable.End, args ...string) {
	w.t.Helper()
	cmd := exec.Command("ip", args...)
	var out []byte
	err := e.Do(func() (err error) {
		out, err = cmd.CombinedOutput()
		return err
	})
	if err != nil {
		w.t.Fatalf("ip %v: %v: %s", args, err, out)
	}
}

// set writes one of the end's settings below /proc/sys/net.
func (w *wire) set(e *cable.End, name, value string) {
	w.t.Helper()
	w.must(e.Do(func() error { return os.WriteFile("/proc/sys/net/"+name, []byte(value), 0) }))
}

// quiet waits until the wire has carried nothing for that long.
func (w *wire) quiet(pause time.Duration) {
	for before := -1; ; {
		now := len(w.seen[0].all()) + len(w.seen[1].all())
		if now == before {
			return
		}
		before = now
		time.Sleep(pause)
	}
}

// option is one that a socket is given before it is bound or connected.
type option func(fd int) error

func number(level, name, value int) option {
	return func(fd int) error { return unix.SetsockoptInt(fd, level, name, value) }
}

func text(level, name int, value string) option {
	return func(fd int) error { return unix.SetsockoptString(fd, level, name, value) }
}

func control(options []option) func(string, string, syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) (err error) {
		for _, o := range options {
			if inner := c.Control(func(fd uintptr) { err = errors.Join(err, o(int(fd))) }); inner != nil {
				return inner
			}
		}
		return err
	}
}

// listen opens a listener at an end.
func (w *wire) listen(e *cable.End, addr string, options ...option) *net.TCPListener {
	w.t.Helper()
	var l net.Listener
	w.must(e.Do(func() (err error) {
		l, err = (&net.ListenConfig{Control: control(options), KeepAlive: -1}).Listen(context.Background(), "tcp", addr)
		return err
	}))
	w.t.Cleanup(func() { l.Close() })
	return l.(*net.TCPListener)
}

// dial connects from one address to another, at an end.
func (w *wire) dial(e *cable.End, from, to string, options ...option) (c *net.TCPConn, err error) {
	local, err := net.ResolveTCPAddr("tcp", from)
	if err != nil {
		return nil, err
	}
	err = e.Do(func() error {
		d := net.Dialer{LocalAddr: local, Control: control(options), KeepAlive: -1, Timeout: 3 * time.Second}
		any, err := d.Dial("tcp", to)
		if err == nil {
			c = any.(*net.TCPConn)
			w.t.Cleanup(func() { c.Close() })
			c.SetDeadline(time.Now().Add(time.Minute))
		}
		return err
	})
	return c, err
}

// pair is a connection that A opened to B, whose options both sockets have.
func (w *wire) pair(from, to string, options ...option) (client, server *net.TCPConn) {
	w.t.Helper()
	l := w.listen(w.B, to, options...)
	client, err := w.dial(w.A, from, to, options...)
	w.must(err)
	server, err = l.AcceptTCP()
	w.must(err)
	l.Close()
	w.t.Cleanup(func() { server.Close() })
	server.SetDeadline(time.Now().Add(time.Minute))
	return client, server
}

// packets opens a UDP socket at an end.
func (w *wire) packets(e *cable.End, addr string, options ...option) *net.UDPConn {
	w.t.Helper()
	var c net.PacketConn
	w.must(e.Do(func() (err error) {
		c, err = (&net.ListenConfig{Control: control(options)}).ListenPacket(context.Background(), "udp", addr)
		return err
	}))
	w.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(time.Minute))
	return c.(*net.UDPConn)
}

// segment is what a judge wants to know of a frame. It is found by hand, so that
// the truth does not rest on the code that is held against it.
type segment struct {
	tcp        bool
	id         uint16
	src, dst   uint16
	seq, ack   uint32
	flags      byte
	window     uint16
	payload    int
	start, end uint32 // of the sequence space that it takes: SYN and FIN count
}

func dissect(frame []byte) (s segment) {
	const ethernet, ipv4 = 14, 20
	if len(frame) < ethernet+ipv4+20 || binary.BigEndian.Uint16(frame[12:]) != 0x0800 || frame[14] != 0x45 || frame[23] != 6 {
		return segment{}
	}
	ip, h := frame[ethernet:], frame[ethernet+ipv4:]
	s = segment{
		tcp: true, id: binary.BigEndian.Uint16(ip[4:]), src: binary.BigEndian.Uint16(h), dst: binary.BigEndian.Uint16(h[2:]),
		seq: binary.BigEndian.Uint32(h[4:]), ack: binary.BigEndian.Uint32(h[8:]), flags: h[13],
		window:  binary.BigEndian.Uint16(h[14:]),
		payload: int(binary.BigEndian.Uint16(ip[2:])) - ipv4 - int(h[12]>>4)*4,
	}
	s.start, s.end = s.seq, s.seq+uint32(s.payload)
	for _, bit := range []byte{1, 2} { // FIN, SYN
		if s.flags&bit != 0 {
			s.end++
		}
	}
	return s
}

func (s segment) String() string {
	return fmt.Sprintf("seq %d len %d ack %d flags %#x id %d", s.seq, s.payload, s.ack, s.flags, s.id)
}
