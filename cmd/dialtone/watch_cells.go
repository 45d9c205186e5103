package main

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"time"

	"dialtone/app/escape"
	"dialtone/observe/sockets"
)

// spanUnits are those of appendSpan.
var spanUnits = [...]struct {
	below, unit time.Duration
	name        string
}{
	{time.Millisecond, time.Microsecond, "us"},
	{time.Second, time.Millisecond, "ms"},
	{time.Minute, time.Second, "s"},
	{time.Hour, time.Minute, "min"},
	{24 * time.Hour, time.Hour, "h"},
	{math.MaxInt64, 24 * time.Hour, "d"},
}

// appendSpan writes a duration in one unit: 23 µs, 1.2 ms, 300 ms, 1.5 s, 12 min, 3 h, 2 d.
// Tables have tens of thousands of them.
func appendSpan(b []byte, d time.Duration) []byte {
	for _, u := range spanUnits {
		if d >= u.below {
			continue
		}
		whole, rest := d/u.unit, d%u.unit
		tenths := (10*rest + u.unit/2 - 1) / u.unit
		if 10*whole+tenths < 100 && u.unit != time.Microsecond {
			b = strconv.AppendInt(b, int64(whole+tenths/10), 10)
			b = append(b, '.', '0'+byte(tenths%10))
		} else {
			b = strconv.AppendInt(b, int64(whole+(2*rest)/u.unit), 10)
		}
		return append(b, u.name...)
	}
	return b
}

func orDash(b []byte, s string) []byte { return append(b, cmp.Or(s, "-")...) }

func appendLocal(b []byte, s *sockets.Socket) []byte {
	switch {
	case s.Path != "":
		return append(b, nameText(s.Path, 60)...)
	case !s.Local.IsValid():
		return append(b, '-')
	case s.Local.Addr() == netip.IPv6Unspecified() && !s.IPv6Only: // IPv4 too
		return strconv.AppendUint(append(b, "*:"...), uint64(s.Local.Port()), 10)
	}
	return appendAddress(b, s.Local)
}

func appendRemote(b []byte, s *sockets.Socket) []byte {
	switch {
	case s.Remote.IsValid():
		return appendAddress(b, s.Remote)
	case s.Peer != 0:
		return strconv.AppendUint(append(b, "inode "...), uint64(s.Peer), 10)
	}
	return append(b, '-')
}

// appendAddress writes an IPv4 address in an IPv6 one as the IPv4 address.
func appendAddress(b []byte, a netip.AddrPort) []byte {
	if ip := a.Addr(); ip.Is4In6() {
		a = netip.AddrPortFrom(ip.Unmap(), a.Port())
	}
	if zone := a.Addr().Zone(); zone != "" {
		return append(b, escape.String(a.String())...)
	}
	return a.AppendTo(b)
}

func appendAge(b []byte, s *sockets.Socket) []byte {
	age, exact := s.Age()
	if age < time.Second && !exact {
		return append(b, '-')
	}
	if age < time.Second {
		return append(b, "<1s"...)
	}
	if b = appendSpan(b, age.Truncate(time.Second)); !exact {
		b = append(b, '+')
	}
	return b
}

func appendThreshold(b []byte, s *sockets.Socket) []byte {
	if s.Info == nil || s.Info.Windows.Threshold >= sockets.NoThreshold {
		return append(b, '-')
	}
	return strconv.AppendUint(b, uint64(s.Info.Windows.Threshold), 10)
}

func appendTimer(b []byte, s *sockets.Socket) []byte {
	if s.Timer.Kind == 0 {
		return append(b, '-')
	}
	b = append(append(b, s.Timer.Kind.String()...), ' ')
	b = appendSpan(b, s.Timer.Left)
	if s.Timer.Count > 0 {
		b = strconv.AppendUint(append(b, " x"...), uint64(s.Timer.Count), 10)
	}
	return b
}

func appendUser(b []byte, s *sockets.Socket) []byte {
	if s.Inode == 0 {
		return append(b, '-')
	}
	return append(b, escape.String(s.User)...)
}

func appendProcess(b []byte, s *sockets.Socket) []byte {
	const most = 2
	for i, p := range s.Processes {
		if i == most {
			return fmt.Appendf(b, " and %d more", len(s.Processes)-most)
		}
		if i > 0 {
			b = append(b, ' ')
		}
		b = append(b, escape.String(p.Name)...)
		b = strconv.AppendInt(append(b, '/'), int64(p.PID), 10)
	}
	switch {
	case len(s.Processes) > 0:
		return b
	case s.Hidden && s.Inode != 0:
		return append(b, '?')
	}
	return append(b, '-')
}
