package sockets

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"testing"
)

// message frames body as netlink does, padded to four bytes.
func message(kind uint16, body []byte) []byte {
	b := make([]byte, headerLen, headerLen+len(body)+3)
	binary.NativeEndian.PutUint32(b, uint32(headerLen+len(body)))
	binary.NativeEndian.PutUint16(b[4:], kind)
	b = append(b, body...)
	return append(b, make([]byte, -len(b)&3)...)
}

// listener6 is an answer about [::]:8000, for IPv6 only, of user 33.
func listener6() []byte {
	b := make([]byte, answerLen)
	b[0], b[1] = familyINET6, 10
	binary.BigEndian.PutUint16(b[4:], 8000)
	binary.NativeEndian.PutUint32(b[64:], 33)
	binary.NativeEndian.PutUint32(b[68:], 4711)
	attr := make([]byte, 8)
	binary.NativeEndian.PutUint16(attr, 5)
	binary.NativeEndian.PutUint16(attr[2:], attrV6Only)
	attr[4] = 1
	return append(b, attr...)
}

func connection4() []byte {
	b := make([]byte, answerLen)
	b[0], b[1] = familyINET, 1
	copy(b[4:], []byte{0x1f, 0x40, 0x01, 0xbb, 127, 0, 0, 1})
	copy(b[24:], []byte{192, 0, 2, 7})
	return b
}

func errno(n int32) []byte {
	return binary.NativeEndian.AppendUint32(nil, uint32(-n))
}

func TestAnswersAreRead(t *testing.T) {
	p := append(message(sockDiagByFamily, listener6()), message(sockDiagByFamily, connection4())...)
	var got []diagAnswer
	done, err := parseDiag(append(p, message(messageDone, errno(0))...), func(a diagAnswer) { got = append(got, a) })
	if err != nil || !done || len(got) != 2 {
		t.Fatalf("done %v, error %v, %d answers; want true, none, 2", done, err, len(got))
	}
	if a := got[0]; a.local.String() != "[::]:8000" || a.state != 10 || a.uid != 33 || a.inode != 4711 || !a.v6only {
		t.Errorf("listener: %+v", a)
	}
	if a := got[1]; a.local.String() != "127.0.0.1:8000" || a.remote.String() != "192.0.2.7:443" || a.v6only {
		t.Errorf("connection: %+v", a)
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
		if _, err := parseDiag(p, func(diagAnswer) {}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	_, err := parseDiag(message(messageError, errno(2)), nil)
	if code := kernelError(0); !errors.As(err, &code) || code != 2 {
		t.Errorf("error %v, want errno 2", err)
	}
}

func TestASocketTakesWhatIsSentToItsAddress(t *testing.T) {
	for _, c := range []struct {
		local  string
		v6only bool
		state  State
		ip     string
		want   bool
	}{
		{"127.0.0.1:80", false, Listen, "127.0.0.1", true},
		{"127.0.0.1:80", false, Listen, "127.0.0.2", false},
		{"127.0.0.1:80", false, Bound, "127.0.0.1", false},
		{"127.0.0.1:80", false, Established, "127.0.0.1", false},
		{"0.0.0.0:80", false, Unconnected, "192.0.2.1", true},
		{"0.0.0.0:80", false, Listen, "::1", false},
		{"[::]:80", false, Listen, "192.0.2.1", true},
		{"[::]:80", true, Listen, "192.0.2.1", false},
		{"[::]:80", true, Listen, "::1", true},
		{"[::ffff:127.0.0.1]:80", false, Listen, "127.0.0.1", true},
		{"[fe80::1%eth0]:80", false, Listen, "fe80::1%eth0", true},
		{"[fe80::1%eth0]:80", false, Listen, "fe80::1%eth1", false},
		{"[fd00::1]:80", false, Listen, "fd00::1", true},
	} {
		s := Socket{Local: netip.MustParseAddrPort(c.local), IPv6Only: c.v6only, State: c.state}
		if got := s.Takes(netip.MustParseAddr(c.ip)); got != c.want {
			t.Errorf("%s (%s, IPv6 only %v) takes %s: %v, want %v", c.local, c.state, c.v6only, c.ip, got, c.want)
		}
	}
}

// FuzzParseDiag: no bytes make the parser read beyond them, loop or panic.
func FuzzParseDiag(f *testing.F) {
	f.Add(message(sockDiagByFamily, listener6()))
	f.Add(append(message(sockDiagByFamily, connection4()), message(messageDone, errno(0))...))
	f.Add(message(messageError, errno(2)))
	f.Add(message(messageDone, nil))
	f.Add(message(sockDiagByFamily, append(connection4(), 3, 0, 11, 0)))
	f.Add(message(sockDiagByFamily, append(connection4(), 255, 255, 11, 0)))
	f.Fuzz(func(t *testing.T, p []byte) {
		n := 0
		_, _ = parseDiag(p, func(a diagAnswer) {
			n++
			if !a.local.IsValid() {
				t.Error("a socket without a local address")
			}
		})
		if n > len(p)/(headerLen+answerLen) {
			t.Errorf("%d sockets in %d bytes", n, len(p))
		}
	})
}
