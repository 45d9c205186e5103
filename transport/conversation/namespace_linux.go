package conversation

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime"
	"strings"

	"dialtone/link/netns"

	"golang.org/x/sys/unix"
)

// device is what the TUN device is called inside its namespace.
const device = "talk0"

// open makes the namespace and what is in it. The thread on which that happens
// belongs to the namespace, and ends with the goroutine that never unlocks it.
func (k *kernel) open() error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			err = errors.Join(k.openFiles(), k.plugIn(), k.settle())
		}
		result <- err
	}()
	return <-result
}

func (k *kernel) openFiles() (err error) {
	if k.namespace, err = os.Open("/proc/thread-self/ns/net"); err != nil {
		return err
	}
	k.table, err = os.Open("/proc/thread-self/net/tcp")
	return err
}

// socket makes a socket in the namespace.
func (k *kernel) socket() (fd int, err error) {
	there := netns.Namespace(fmt.Sprint("/proc/self/fd/", k.namespace.Fd()))
	err = there.Do(func() (err error) {
		fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		return err
	})
	return fd, err
}

// plugIn makes the TUN device: packets without Ethernet headers, and no ARP.
func (k *kernel) plugIn() error {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: "/dev/net/tun", Err: err}
	}
	err = request(fd, unix.TUNSETIFF, func(r *unix.Ifreq) { r.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI) })
	k.tun = os.NewFile(uintptr(fd), "TUN device") // polled, as it does not block
	if err != nil {
		return fmt.Errorf("make a TUN device: %w", err)
	}
	mtu := k.given.MTU
	if mtu == 0 {
		mtu = 1500
	}
	return configure(uint32(mtu))
}

// configure gives the device its address and switches it on.
func configure(mtu uint32) error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	return errors.Join(
		request(s, unix.SIOCSIFMTU, func(r *unix.Ifreq) { r.SetUint32(mtu) }),
		request(s, unix.SIOCSIFADDR, func(r *unix.Ifreq) { _ = r.SetInet4Addr(ourAddr[:]) }),
		request(s, unix.SIOCSIFNETMASK, func(r *unix.Ifreq) { _ = r.SetInet4Addr([]byte{255, 255, 255, 0}) }),
		request(s, unix.SIOCSIFFLAGS, func(r *unix.Ifreq) { r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING) }),
	)
}

func request(fd int, call uint, fill func(r *unix.Ifreq)) error {
	r, err := unix.NewIfreq(device)
	if err != nil {
		return err
	}
	fill(r)
	return unix.IoctlIfreq(fd, call, r)
}

// settle sets the namespace to what an ordinary machine has, and then to what is
// given. Files that an older kernel does not have are not missed.
func (k *kernel) settle() error {
	settings := map[string]string{
		"tcp_rmem":                "4096 131072 6291456",
		"tcp_wmem":                "4096 4194304 4194304", // as much as our ring takes, from the beginning
		"tcp_invalid_ratelimit":   "0",
		"tcp_challenge_ack_limit": "2147483647",
	}
	off := map[string]bool{
		"tcp_sack":           k.given.NoSACK,
		"tcp_timestamps":     k.given.NoTimestamps,
		"tcp_window_scaling": k.given.NoScaling,
	}
	for name, is := range off {
		if is {
			settings[name] = "0"
		}
	}
	maps.Copy(settings, k.given.Sysctls)
	for name, value := range settings {
		err := os.WriteFile("/proc/sys/net/ipv4/"+name, []byte(strings.ReplaceAll(value, ",", " ")), 0)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
