//go:build !linux

package bulk

import (
	"net"
	"os"
)

func kernelSend(net.Conn, *os.File, int64, int64) (int64, error)    { return 0, errFallback }
func kernelReceive(*os.File, int64, net.Conn, int64) (int64, error) { return 0, errFallback }
