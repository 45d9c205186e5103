// Package transport is what TCP and UDP have in common: ports, four-tuples and the
// pseudo-header of their checksums.
package transport
