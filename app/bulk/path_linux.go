package bulk

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

func pathOf(c *net.TCPConn) (Path, bool) {
	raw, err := c.SyscallConn()
	if err != nil {
		return Path{}, false
	}
	var info *unix.TCPInfo
	var name string
	cerr := raw.Control(func(fd uintptr) {
		if info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			name, _ = unix.GetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION)
		}
	})
	if cerr != nil || err != nil {
		return Path{}, false
	}
	p := pathFrom(info)
	p.Congestion = name
	return p, true
}

// pathFrom translates the kernel's units (include/uapi/linux/tcp.h).
func pathFrom(i *unix.TCPInfo) Path {
	return Path{
		RTT:    micros(uint64(i.Rtt)),
		MinRTT: minRTT(i.Min_rtt),
		RTO:    micros(uint64(i.Rto)),

		Sent:          int64(i.Bytes_sent),
		Retransmitted: int64(i.Bytes_retrans),
		Acked:         int64(i.Bytes_acked),
		Received:      int64(i.Bytes_received),
		Unsent:        int64(i.Notsent_bytes),

		SegmentsSent:          int64(i.Segs_out),
		SegmentsRetransmitted: int64(i.Total_retrans),

		Window:       int64(i.Snd_cwnd) * int64(i.Snd_mss),
		PeerWindow:   int64(i.Snd_wnd),
		InFlight:     int64(i.Unacked),
		DeliveryRate: int64(i.Delivery_rate),
		PacingRate:   pacing(i.Pacing_rate),

		Busy:          micros(i.Busy_time),
		RwndLimited:   micros(i.Rwnd_limited),
		SndbufLimited: micros(i.Sndbuf_limited),
	}
}

func micros(n uint64) time.Duration { return time.Duration(n) * time.Microsecond }

// minRTT: the kernel says ~0 before it has measured.
func minRTT(n uint32) time.Duration {
	if n == ^uint32(0) {
		return 0
	}
	return micros(uint64(n))
}

// pacing: the kernel says ~0 for no pacing.
func pacing(rate uint64) int64 {
	if rate == ^uint64(0) {
		return 0
	}
	return int64(rate)
}

func setCongestion(c net.Conn, name string) error {
	t, ok := c.(*net.TCPConn)
	if !ok {
		return fmt.Errorf("bulk: congestion control %q: not a TCP connection: %w", name, errors.ErrUnsupported)
	}
	raw, err := t.SyscallConn()
	if err == nil {
		cerr := raw.Control(func(fd uintptr) {
			err = os.NewSyscallError("setsockopt", unix.SetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION, name))
		})
		err = errors.Join(cerr, err)
	}
	if err != nil {
		return fmt.Errorf("bulk: congestion control %q: %w", name, err)
	}
	return nil
}
