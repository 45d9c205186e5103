//go:build !linux

package routes

import "net/netip"

func ask(netip.Addr, []Interface) (hop, error) { return hop{}, unsupported() }

func neighbors() ([]Neighbor, error) { return nil, unsupported() }
