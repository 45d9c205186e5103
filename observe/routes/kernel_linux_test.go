package routes

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

func TestLoopbackIsLocal(t *testing.T) {
	for _, s := range []string{"127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"} {
		r, err := To(netip.MustParseAddr(s))
		if err != nil {
			t.Errorf("To(%s): %v", s, err)
			continue
		}
		if r.Kind != Local || !r.Interface.Loopback || r.NextHop.IsValid() || !r.Source.IsValid() {
			t.Errorf("To(%s) = %+v, want the loopback interface", s, r)
		}
	}
}

func TestAnUnknownZoneIsNamed(t *testing.T) {
	_, err := To(netip.MustParseAddr("fe80::1%nosuch0"))
	if err == nil || !strings.Contains(err.Error(), `no interface "nosuch0"`) {
		t.Errorf("error %v, want the zone named", err)
	}
}

func TestNeighborEntriesAreTranslated(t *testing.T) {
	mac := []byte{2, 0, 0, 0, 0, 5}
	entry := netlink.Neigh{
		Family: unix.AF_INET6, State: netlink.NUD_STALE, Flags: netlink.NTF_ROUTER,
		IP: netip.MustParseAddr("fe80::1").AsSlice(), HardwareAddr: mac,
	}
	n, ok := toNeighbor(entry, "eth0")
	if !ok || n.Addr.String() != "fe80::1%eth0" || n.State != Stale || !n.Router || n.HardwareAddr.String() != "02:00:00:00:00:05" {
		t.Errorf("toNeighbor = %+v, %v", n, ok)
	}
	entry.State = netlink.NUD_FAILED // the address that is left over is not to be believed
	if n, _ := toNeighbor(entry, "eth0"); n.HardwareAddr != nil || n.State != Failed {
		t.Errorf("a failed neighbour still has an address: %+v", n)
	}
	for _, bad := range []netlink.Neigh{{Family: unix.AF_INET}, {Family: unix.AF_BRIDGE, IP: entry.IP}, {Family: unix.AF_INET, IP: []byte{1, 2}}} {
		if n, ok := toNeighbor(bad, "eth0"); ok {
			t.Errorf("toNeighbor(%+v) = %+v, want none", bad, n)
		}
	}
}

func TestEveryStateHasItsKernelName(t *testing.T) {
	for bits, want := range map[int]State{0: None, 1: Incomplete, 2: Reachable, 4: Stale, 8: Delay, 16: Probe, 32: Failed, 64: NoARP, 128: Permanent, 3: None} {
		if got := stateOf(bits); got != want {
			t.Errorf("stateOf(%#x) = %s, want %s", bits, got, want)
		}
	}
}
