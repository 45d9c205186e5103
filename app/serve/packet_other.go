//go:build !linux

package serve

import "net"

func newDatagrams(pc net.PacketConn, size int) datagrams { return newGeneric(pc, size) }
