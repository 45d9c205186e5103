package host

import "net/netip"

// The ports from which one is chosen where none is given: Linux's
// (net.ipv4.ip_local_port_range).
const (
	firstEphemeral = 32768
	lastEphemeral  = 60999
	numEphemeral   = lastEphemeral - firstEphemeral + 1
)

// ephemeral chooses ports that nobody can guess, and each as late again as can be: the
// double-hash algorithm of RFC 6056 §3.3.4. A peer's ports are a row of their own,
// whose start is secret, and a table of counters tells how far each row is.
type ephemeral struct {
	next [64]uint32
}

// each calls try with every port of a row, from the next of it on, until it takes one;
// digest is the row's secret start. ok is false when none was taken.
func (e *ephemeral) each(digest uint64, try func(port uint16) bool) (port uint16, ok bool) {
	offset, counter := uint32(digest), &e.next[digest>>32%uint64(len(e.next))]
	for range numEphemeral {
		port := uint16(firstEphemeral + (uint64(offset)+uint64(*counter))%numEphemeral)
		*counter++
		if try(port) {
			return port, true
		}
	}
	return 0, false
}

// portDigest is the start of the row of ports to a remote end (RFC 6056 §3.3.3: a keyed
// hash of local address, remote address and remote port).
func (h *Host) portDigest(local netip.Addr, remote netip.AddrPort) uint64 {
	return h.digest(digestPort, netip.AddrPortFrom(local, 0), remote)
}
