package board

import (
	"dialtone/observe/sockets"
	"dialtone/transport/tcp"
)

const (
	listening = sockets.State(tcp.Listen)
	closed    = sockets.State(tcp.Closed)
)
