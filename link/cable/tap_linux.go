package cable

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// device is what the TAP device is called inside its namespace.
const device = "cable0"

// mac is the hardware address of end n: locally administered, one station's.
func mac(n byte) [6]byte { return [6]byte{2, 'c', 'a', 'b', 'l', n} }

// plugIn makes the TAP device of end n in the calling thread's namespace, and
// sets it up so that no frame but the traffic's own crosses: no IPv6, and the
// other end's hardware address known.
func plugIn(n byte, mtu int) (tap int, err error) {
	tap, err = unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: "/dev/net/tun", Err: err}
	}
	defer func() {
		if err != nil {
			unix.Close(tap)
			tap = -1
		}
	}()
	err = request(tap, unix.TUNSETIFF, "make a TAP device", func(r *unix.Ifreq) {
		r.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
	})
	if err != nil {
		return tap, err
	}
	// A namespace without IPv6 has no such file, which is as good.
	err = os.WriteFile("/proc/sys/net/ipv6/conf/all/disable_ipv6", []byte("1"), 0)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return tap, err
	}
	return tap, configure(n, mtu)
}

// configure gives the device its addresses and switches it on.
func configure(n byte, mtu int) error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	defer unix.Close(s)
	own := addr(n).As4()
	for _, step := range []struct {
		name string
		call uint
		fill func(r *unix.Ifreq)
	}{
		{"hardware address", unix.SIOCSIFHWADDR, func(r *unix.Ifreq) { setHardware(r, mac(n)) }},
		{"MTU", unix.SIOCSIFMTU, func(r *unix.Ifreq) { r.SetUint32(uint32(mtu)) }},
		{"queue length", unix.SIOCSIFTXQLEN, func(r *unix.Ifreq) { r.SetUint32(10_000) }},
		{"address", unix.SIOCSIFADDR, func(r *unix.Ifreq) { r.SetInet4Addr(own[:]) }},
		{"mask", unix.SIOCSIFNETMASK, func(r *unix.Ifreq) { r.SetInet4Addr([]byte{255, 255, 255, 0}) }},
		{"flags", unix.SIOCSIFFLAGS, func(r *unix.Ifreq) { r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING) }},
	} {
		if err := request(s, step.call, "set "+step.name, step.fill); err != nil {
			return err
		}
	}
	err = requestOf(s, "lo", unix.SIOCSIFFLAGS, "switch on loopback", func(r *unix.Ifreq) { r.SetUint16(unix.IFF_UP) })
	return errors.Join(err, introduce(s, 3-n))
}

// introduce makes end n known as a permanent neighbour.
func introduce(s int, n byte) error {
	const complete, permanent = 0x02, 0x04 // ATF_COM, ATF_PERM of linux/if_arp.h
	var r struct {                         // struct arpreq
		protocol, hardware [16]byte // struct sockaddr
		flags              int32
		mask               [16]byte
		device             [16]byte
	}
	binary.NativeEndian.PutUint16(r.protocol[:], unix.AF_INET)
	ip, hw := addr(n).As4(), mac(n)
	copy(r.protocol[4:], ip[:])
	binary.NativeEndian.PutUint16(r.hardware[:], unix.ARPHRD_ETHER)
	copy(r.hardware[2:], hw[:])
	r.flags = complete | permanent
	copy(r.device[:], device)
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(s), unix.SIOCSARP, uintptr(unsafe.Pointer(&r))); e != 0 {
		return fmt.Errorf("introduce the other end: %w", e)
	}
	return nil
}

// setHardware stores a struct sockaddr with a hardware address.
func setHardware(r *unix.Ifreq, hw [6]byte) {
	// The union of struct ifreq begins after the 16 bytes of the name.
	union := (*[16]byte)(unsafe.Add(unsafe.Pointer(r), unix.IFNAMSIZ))
	binary.NativeEndian.PutUint16(union[:], unix.ARPHRD_ETHER)
	copy(union[2:], hw[:])
}

func request(fd int, call uint, what string, fill func(r *unix.Ifreq)) error {
	return requestOf(fd, device, call, what, fill)
}

func requestOf(fd int, name string, call uint, what string, fill func(r *unix.Ifreq)) error {
	r, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	fill(r)
	if err := unix.IoctlIfreq(fd, call, r); err != nil {
		return fmt.Errorf("%s of %s: %w", what, name, err)
	}
	return nil
}
