package host

import (
	"net/netip"

	"dialtone/link"
)

// A nic is one interface of a host: its end of a link. Numbers start at 0, which is
// the loopback interface.
type nic struct {
	host     *Host
	index    int
	port     link.Port
	mac      link.MAC
	prefixes []netip.Prefix
}
