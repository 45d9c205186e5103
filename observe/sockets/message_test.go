package sockets

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"dialtone/transport/tcp"
)

// sequence is that of the requests which tests answer.
const sequence = 7

// message frames body as netlink does, padded to four bytes.
func message(kind uint16, body []byte) []byte {
	b := binary.NativeEndian.AppendUint32(nil, uint32(headerLen+len(body)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = binary.NativeEndian.AppendUint16(b, 0)
	b = binary.NativeEndian.AppendUint32(b, sequence)
	b = append(append(b, 0, 0, 0, 0), body...)
	return append(b, make([]byte, -len(b)&3)...)
}

// attribute frames value as netlink does.
func attribute(kind uint16, value []byte) []byte {
	b := binary.NativeEndian.AppendUint16(nil, uint16(4+len(value)))
	b = append(binary.NativeEndian.AppendUint16(b, kind), value...)
	return append(b, make([]byte, -len(b)&3)...)
}

// listener6 is an answer about [::]:8000, for IPv6 only, of user 33.
func listener6() []byte {
	b := make([]byte, answerLen)
	b[0], b[1] = familyINET6, 10
	binary.BigEndian.PutUint16(b[4:], 8000)
	binary.NativeEndian.PutUint32(b[64:], 33)
	binary.NativeEndian.PutUint32(b[68:], 4711)
	return append(b, attribute(attrV6Only, []byte{1})...)
}

// connection4 is an answer about a connection with figures, whose segment was sent
// again twice.
func connection4() []byte {
	b := make([]byte, answerLen)
	b[0], b[1], b[2], b[3] = familyINET, 1, 1, 2
	copy(b[4:], []byte{0x1f, 0x40, 0x01, 0xbb, 127, 0, 0, 1})
	copy(b[24:], []byte{192, 0, 2, 7})
	binary.NativeEndian.PutUint32(b[52:], 800) // ms
	info := make([]byte, infoLen)
	binary.NativeEndian.PutUint32(info[68:], 20_000) // µs
	binary.NativeEndian.PutUint32(info[80:], 10)
	b = append(b, attribute(attrInfo, info)...)
	b = append(b, attribute(attrMemory, make([]byte, memoryLen))...)
	return append(b, attribute(attrCongestion, []byte("cubic\x00"))...)
}

func errno(n int32) []byte {
	return binary.NativeEndian.AppendUint32(nil, uint32(-n))
}

// read reads a datagram about TCP sockets.
func read(p []byte) (r *rows, done bool, err error) {
	r = &rows{zone: func(uint32) string { return "eth0" }}
	done, err = messages(p, sequence, func(body []byte) error { return r.inet("tcp", body) })
	return r, done, err
}

func TestAnswersAreRead(t *testing.T) {
	p := append(message(sockDiagByFamily, listener6()), message(sockDiagByFamily, connection4())...)
	r, done, err := read(append(p, message(messageDone, errno(0))...))
	if err != nil || !done || len(r.list) != 2 {
		t.Fatalf("done %v, error %v, %d sockets; want true, none, 2", done, err, len(r.list))
	}
	if s := r.list[0]; s.Local.String() != "[::]:8000" || s.State != State(tcp.Listen) || s.UID != 33 || s.Inode != 4711 || !s.IPv6Only || s.Remote.IsValid() {
		t.Errorf("listener: %+v", s)
	}
	s := r.list[1]
	if s.Local.String() != "127.0.0.1:8000" || s.Remote.String() != "192.0.2.7:443" || s.IPv6Only || s.Congestion != "cubic" {
		t.Errorf("connection: %+v", s)
	}
	if want := (Timer{1, 800 * time.Millisecond, 2}); s.Timer != want || s.Timer.Kind.String() != "retransmit" {
		t.Errorf("timer %+v, want %+v", s.Timer, want)
	}
	if s.Memory == nil || s.Info == nil || s.Info.RTT.Smooth != 20*time.Millisecond || s.Info.Windows.Congestion != 10 {
		t.Errorf("figures %+v, memory %+v", s.Info, s.Memory)
	}
}

func TestBadAnswersAreErrors(t *testing.T) {
	whole := message(sockDiagByFamily, connection4())
	lying := append([]byte(nil), whole...)
	binary.NativeEndian.PutUint32(lying, 1<<31)
	empty := append([]byte(nil), whole...)
	binary.NativeEndian.PutUint32(empty, 0)
	strange := append([]byte(nil), connection4()...)
	strange[0] = 99
	for name, p := range map[string][]byte{
		"cut header":    whole[:10],
		"cut body":      whole[:60],
		"length lies":   lying,
		"length zero":   empty,
		"short answer":  message(sockDiagByFamily, connection4()[:20]),
		"other family":  message(sockDiagByFamily, strange),
		"kernel says 2": message(messageError, errno(2)),
		"late errno":    message(messageDone, errno(12)),
	} {
		if _, _, err := read(p); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, _, err := read(message(messageError, errno(2))); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("error %v, want ENOENT", err)
	}
}

// TestAnswersToOthersAreLeftAlone: those of a request that was given up.
func TestAnswersToOthersAreLeftAlone(t *testing.T) {
	p := message(sockDiagByFamily, listener6())
	binary.NativeEndian.PutUint32(p[8:], sequence-1)
	r, done, err := read(append(p, message(messageDone, nil)...))
	if len(r.list) != 0 || !done || err != nil {
		t.Errorf("%d sockets, done %v, error %v; want 0, true, none", len(r.list), done, err)
	}
}

// TestShortFiguresAreRead: an older kernel knows fewer.
func TestShortFiguresAreRead(t *testing.T) {
	long := make([]byte, infoLen+40)
	for i := range long {
		long[i] = byte(i)
	}
	var whole, longer, old, none Info
	whole.parse(long[:infoLen])
	longer.parse(long)
	old.parse(long[:104])
	none.parse(nil)
	if whole != longer || whole.Windows.Peer == 0 {
		t.Errorf("%+v, longer %+v", whole, longer)
	}
	if old.RTT.Smooth != whole.RTT.Smooth || old.Windows.Peer != 0 || none != (Info{}) {
		t.Errorf("old %+v, none %+v", old, none)
	}
}

func TestUnixAnswersAreRead(t *testing.T) {
	b := make([]byte, unixAnswerLen)
	b[0], b[1], b[2] = familyUnix, 1, 10
	binary.NativeEndian.PutUint32(b[4:], 4711)
	b = append(b, attribute(unixAttrName, []byte("\x00hello"))...)
	b = append(b, attribute(unixAttrQueues, []byte{1, 0, 0, 0, 128, 0, 0, 0})...)
	var r rows
	if err := r.unix(b, false); err != nil {
		t.Fatal(err)
	}
	if s := r.list[0]; s.Network != "unix" || s.State != State(tcp.Listen) || s.Path != "@hello" || s.Inode != 4711 {
		t.Errorf("%+v", s)
	}
}

func TestASocketTakesWhatIsSentToItsAddress(t *testing.T) {
	const listen, established = State(tcp.Listen), State(tcp.Established)
	for _, c := range []struct {
		local  string
		v6only bool
		state  State
		ip     string
		want   bool
	}{
		{"127.0.0.1:80", false, listen, "127.0.0.1", true},
		{"127.0.0.1:80", false, listen, "127.0.0.2", false},
		{"127.0.0.1:80", false, Bound, "127.0.0.1", false},
		{"127.0.0.1:80", false, established, "127.0.0.1", false},
		{"0.0.0.0:80", false, Unconnected, "192.0.2.1", true},
		{"0.0.0.0:80", false, listen, "::1", false},
		{"[::]:80", false, listen, "192.0.2.1", true},
		{"[::]:80", true, listen, "192.0.2.1", false},
		{"[::]:80", true, listen, "::1", true},
		{"[::ffff:127.0.0.1]:80", false, listen, "127.0.0.1", true},
		{"[fe80::1%eth0]:80", false, listen, "fe80::1%eth0", true},
		{"[fe80::1%eth0]:80", false, listen, "fe80::1%eth1", false},
		{"[fd00::1]:80", false, listen, "fd00::1", true},
	} {
		s := Socket{Local: netip.MustParseAddrPort(c.local), IPv6Only: c.v6only, State: c.state}
		if got := s.Takes(netip.MustParseAddr(c.ip)); got != c.want {
			t.Errorf("%s (%s, IPv6 only %v) takes %s: %v, want %v", c.local, c.state, c.v6only, c.ip, got, c.want)
		}
	}
}

// FuzzMessages: no bytes make the parsers read beyond them, loop or panic.
func FuzzMessages(f *testing.F) {
	f.Add(message(sockDiagByFamily, listener6()))
	f.Add(append(message(sockDiagByFamily, connection4()), message(messageDone, errno(0))...))
	f.Add(message(messageError, errno(2)))
	f.Add(message(messageDone, nil))
	f.Add(message(sockDiagByFamily, append(connection4(), 3, 0, 11, 0)))
	f.Add(message(sockDiagByFamily, append(connection4(), 255, 255, 11, 0)))
	f.Add(message(sockDiagByFamily, append([]byte{1, 5, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, attribute(unixAttrName, []byte("/a\x00"))...)))
	f.Fuzz(func(t *testing.T, p []byte) {
		r, _, _ := read(p)
		for _, s := range r.list {
			if !s.Local.IsValid() {
				t.Error("a socket without a local address")
			}
		}
		if n := len(r.list); n > len(p)/(headerLen+answerLen) {
			t.Errorf("%d sockets in %d bytes", n, len(p))
		}
		var u rows
		_, _ = messages(p, sequence, func(body []byte) error { return u.unix(body, true) })
		if n := len(u.list); n > len(p)/(headerLen+unixAnswerLen) {
			t.Errorf("%d Unix sockets in %d bytes", n, len(p))
		}
	})
}
