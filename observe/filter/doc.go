// Package filter is the language that says which packets to see: tcpdump's words,
// and words for what a conversation did, which only a tracker knows.
//
//	expr, err := filter.Parse("host 192.0.2.1 and tcp port (80 or https)")
//	live, err := capture.OpenLive(ctx, capture.LiveConfig{Interface: "eth0", Filter: expr.Kernel})
//	…
//	if expr.Match(&packet, subject) { … }
//
// # The language
//
// An expression joins terms with and (&&), or (||), not (!) and parentheses. And and
// or bind alike, from left to right, as in tcpdump; not binds to the term behind it.
//
//	host A, net A/B             IPv4 and IPv6 addresses, those in ARP and RARP too
//	port N, portrange N-M       of TCP and UDP, by number or name
//	src, dst, src and dst       before one of those: of the sender, of the receiver, of both
//	tcp, udp                    also before port: tcp dst port 80
//	ip, ip6, arp, rarp          also before host and net: ip6 net 2001:db8::/32
//	icmp, icmp6, igmp, proto N  what IP carries; ip proto N and ip6 proto N of one version
//	vlan, vlan N                with a tag; with this ID in one of the two outer tags
//	ether host MAC, ether proto N
//	less N, greater N           at most, at least N bytes on the wire
//
//	state WORD                  an end of the conversation is in this TCP state now
//	label WORD                  the packet has this label
//	stream N                    the packet is of this conversation
//	closed-by WORD              the conversation was closed by its client, its server, a fin, a rst
//
// What stands before a value holds for the values behind it too: port 80 or 443,
// src host (A or B). A host's name stands for all of its addresses, looked up once.
//
// # Where tcpdump differs
//
// Match sees a packet as package capture decodes it, and the kernel's program answers as
// Match does. So a few of tcpdump's results are not ours, each of them one of its known
// traps:
//
//   - A term looks through VLAN tags. In tcpdump "tcp" misses a tagged frame and a vlan
//     term moves all terms behind it, even behind an or.
//   - A term looks through IPv6 extension headers: tcpdump sees through one fragment
//     header for "tcp" and through none for a port.
//   - A packet too short for a term does not match it, and so matches its not: tcpdump's
//     program ends with no match where it reads past the end.
//   - A port's name stands for its number with TCP and UDP alike, where tcpdump takes
//     only the protocols that the name is registered for. SCTP has no ports here.
//   - Bytes by position (tcp[13] & 2 != 0) are not part of the language.
package filter
