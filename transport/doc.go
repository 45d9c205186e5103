// Package transport is what TCP and UDP have in common: the pseudo-header of their
// checksums, by which a segment that strays to other addresses is found out.
//
//	pseudo := transport.PseudoSum4(src, dst, internet.TCP, len(segment))
//	tcp.Fill(pseudo, segment)        // down
//	ok := tcp.Check(pseudo, segment) // up
package transport
