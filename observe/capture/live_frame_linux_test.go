package capture_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"

	"dialtone/observe/capture"

	"golang.org/x/sys/unix"
)

// tagged is an Ethernet frame from v1 to v0 with 802.1Q and 802.1ad tags.
func tagged(tags ...uint32) []byte {
	b := append([]byte{2, 0, 0, 0, 0, 1}, 2, 0, 0, 0, 0, 2)
	for _, tag := range tags {
		b = binary.BigEndian.AppendUint32(b, tag)
	}
	b = binary.BigEndian.AppendUint16(b, 0x88b5) // for experiments
	return append(b, bytes.Repeat([]byte{0x55}, 46)...)
}

// transmit sends frames out of an interface.
func transmit(t testing.TB, name string, frames ...[]byte) {
	t.Helper()
	ifi, err := net.InterfaceByName(name)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	for _, f := range frames {
		if err := unix.Sendto(fd, f, 0, &unix.SockaddrLinklayer{Ifindex: ifi.Index, Halen: 6}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestVLANTagsArePutBack(t *testing.T) {
	for _, c := range []struct {
		name, expr string
		want       []int // of the frames below
	}{
		{"v0", "", []int{0, 1, 2}},
		{"v1", "", []int{0, 1, 2}},
		{"v0", "vlan", []int{1, 2}},
		{"v0", "vlan 7", []int{1, 2}},
		{"v0", "vlan 9", []int{2}},
		{"v0", "not vlan", []int{0}},
		{"v0", "ether proto 0x88b5 and greater 64", []int{1, 2}},
		{"v0", "less 60", []int{0}},
		{"v0", "ether src host 02:00:00:00:00:02 and vlan 9", []int{2}},
	} {
		t.Run(c.name+" "+c.expr, func(t *testing.T) {
			t.Parallel()
			namespace(t, veths...)
			frames := [][]byte{tagged(), tagged(0x8100_6007), tagged(0x88a8_0007, 0x8100_0009)}
			only := expression(t, "ether proto 0x88b5 and ("+cmp.Or(c.expr, "greater 0")+")")
			ctx, cancel := context.WithCancel(context.Background())
			l := open(t, ctx, capture.LiveConfig{Interface: c.name, Filter: only.Kernel})
			transmit(t, "v1", frames...)
			got := rest(t, l, cancel)
			if len(got) != len(c.want) {
				t.Fatalf("captured %d frames, want %d", len(got), len(c.want))
			}
			for i, f := range got {
				if want := frames[c.want[i]]; !bytes.Equal(f.data, want) || f.wire != len(want) {
					t.Errorf("frame %d, %d bytes on the wire: % x\nwant % x", i, f.wire, f.data[:24], want[:24])
				}
				if out := f.hints&capture.HintOut != 0; out != (c.name == "v1") {
					t.Errorf("frame %d on %s: out is %v", i, c.name, out)
				}
			}
		})
	}
}

func TestCookedFramesKeepTheirTag(t *testing.T) {
	t.Parallel()
	namespace(t, veths...)
	expr := expression(t, "vlan 7")
	ctx, cancel := context.WithCancel(context.Background())
	l := open(t, ctx, capture.LiveConfig{Filter: expr.Kernel})
	transmit(t, "v1", tagged(), tagged(0x8100_6007))
	v0, err := net.InterfaceByName("v0")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range rest(t, l, cancel) {
		if binary.BigEndian.Uint32(f.data[4:]) != uint32(v0.Index) {
			continue // on its way out of v1
		}
		// SLL2: protocol, index, Ethernet, to this host, six bytes of sender; the tag behind it.
		want := append([]byte{0x81, 0, 0, 0, 0, 0, 0, byte(v0.Index), 0, 1, 0, 6, 2, 0, 0, 0, 0, 2, 0, 0}, 0x60, 7, 0x88, 0xb5, 0x55)
		if !bytes.HasPrefix(f.data, want) || f.wire != len(f.data) {
			t.Errorf("% x\nwant % x", f.data[:25], want)
		}
		return
	}
	t.Error("the tagged frame was not captured")
}

func TestSuperSegmentsAreNamed(t *testing.T) {
	for _, network := range []string{"tcp", "udp"} {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			namespace(t)
			ctx, cancel := context.WithCancel(context.Background())
			l := open(t, ctx, capture.LiveConfig{Interface: "lo"})
			if network == "tcp" {
				stream(t, 1<<20)
			} else {
				segmented(t, sink(t))
			}
			super, longest := 0, 0
			for _, f := range rest(t, l, cancel) {
				if f.hints&capture.HintSuper != 0 {
					super++
					longest = max(longest, f.wire)
				}
			}
			if super == 0 || longest < 3000 {
				t.Errorf("%d super-segments, the longest of %d bytes", super, longest)
			}
		})
	}
}

// stream sends n bytes over a TCP connection on loopback whose segments are short.
func stream(t testing.TB, n int) {
	t.Helper()
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		cerr := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, 1000) })
		return errors.Join(cerr, err)
	}}
	ln, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	out, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	in, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	done := make(chan error)
	go func() {
		_, err := io.Copy(io.Discard, in)
		done <- err
	}()
	if _, err := out.Write(make([]byte, n)); err != nil {
		t.Error(err)
	}
	out.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// segmented hands the kernel several datagrams in one piece (UDP_SEGMENT).
func segmented(t testing.TB, port uint16) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_UDP, unix.UDP_SEGMENT, 1000); err != nil {
		t.Fatal(err)
	}
	if err := unix.Sendto(fd, make([]byte, 5000), 0, &unix.SockaddrInet4{Port: int(port), Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
}
