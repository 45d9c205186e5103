//go:build !linux

package sockets

import "net/netip"

// Watch answers that this system has no table that we can read.
func Watch(c WatchConfig) (*Watcher, error) {
	_, err := Open(c.Config)
	return nil, err
}

// Find finds nothing.
func (*Table) Find(_, _ netip.AddrPort, _ bool) (*Socket, error) { return nil, nil }
