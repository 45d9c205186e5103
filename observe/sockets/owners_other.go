//go:build !linux

package sockets

func owners(string, uint16) ([]Socket, error) { return nil, unsupported() }
