package tap

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// open does what must be done in the device's namespace.
func (d *Device) open(c Config) error {
	const path = "/dev/net/tun"
	if c.Prefix.IsValid() && !c.Prefix.Addr().Is4() {
		return fmt.Errorf("address %v is not IPv4", c.Prefix)
	}
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return rights(&os.PathError{Op: "open", Path: path, Err: err})
	}
	if err = d.setUp(fd, c); err != nil {
		unix.Close(fd)
		return rights(err)
	}
	d.file = os.NewFile(uintptr(fd), path)
	d.raw, err = d.file.SyscallConn()
	return err
}

// rights says what is missing where an error is that.
func rights(err error) error {
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return &RightError{"CAP_NET_ADMIN", "sudo setcap cap_net_admin+ep $(command -v dialtone)", err}
	}
	return err
}

func (d *Device) setUp(fd int, c Config) error {
	r, err := unix.NewIfreq(c.Name)
	if err != nil {
		return err
	}
	r.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI | unix.IFF_VNET_HDR)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, r); err != nil {
		return fmt.Errorf("attach: %w", err)
	}
	d.name = r.Name()
	offload := unix.TUN_F_CSUM
	if c.SuperFrames {
		offload |= unix.TUN_F_TSO4 | unix.TUN_F_TSO6
	}
	if err := unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, offload); err != nil {
		return fmt.Errorf("set offload: %w", err)
	}
	if d.mtu, err = configure(d.name, c); err != nil {
		return err
	}
	d.buffer = d.mtu + 14 + 4 // a tag
	if d.trains = c.SuperFrames; d.trains {
		d.buffer = 64<<10 + 14 + 4
	}
	return nil
}

// configure gives the interface MTU and address, and switches it on.
func configure(name string, c Config) (mtu int, err error) {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("socket: %w", err)
	}
	defer unix.Close(s)
	r, err := unix.NewIfreq(name)
	if err != nil {
		return 0, err
	}
	do := func(what string, call uint) {
		if e := unix.IoctlIfreq(s, call, r); e != nil && err == nil {
			err = fmt.Errorf("%s: %w", what, e)
		}
	}
	if c.MTU != 0 {
		r.SetUint32(uint32(c.MTU))
		do("set MTU", unix.SIOCSIFMTU)
	}
	if c.Prefix.IsValid() {
		setAddress(r, c, do)
	}
	do("get flags", unix.SIOCGIFFLAGS)
	if flags := r.Uint16(); flags&unix.IFF_UP == 0 {
		r.SetUint16(flags | unix.IFF_UP)
		do("switch on", unix.SIOCSIFFLAGS)
	}
	do("get MTU", unix.SIOCGIFMTU)
	return int(r.Uint32()), err
}

func setAddress(r *unix.Ifreq, c Config, do func(what string, call uint)) {
	address := c.Prefix.Addr().As4()
	_ = r.SetInet4Addr(address[:]) // fails for other lengths than 4
	do("set address", unix.SIOCSIFADDR)
	mask := ^uint32(0) << (32 - c.Prefix.Bits())
	_ = r.SetInet4Addr([]byte{byte(mask >> 24), byte(mask >> 16), byte(mask >> 8), byte(mask)})
	do("set mask", unix.SIOCSIFNETMASK)
}
