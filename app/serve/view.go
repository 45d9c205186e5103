package serve

import (
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"sync"

	"dialtone/app/escape"
)

// View shows a conversation while it goes on: a line a message, with the peer's
// address. Nothing in a message can act on the terminal that shows it.
type View struct {
	W   io.Writer
	Hex bool // adds a hex dump below each line

	mu sync.Mutex
}

const (
	viewLine = 400  // bytes of a message shown in its line
	viewDump = 4096 // and in its hex dump
)

// Message shows p, which came from peer (in) or goes to it.
func (v *View) Message(peer net.Addr, in bool, p []byte) {
	arrow := "<"
	if in {
		arrow = ">"
	}
	line := fmt.Appendf(nil, "%s %s %s\n", text(peer), arrow, escape.Line(p, viewLine))
	if v.Hex {
		line = append(line, hex.Dump(p[:min(len(p), viewDump)])...)
		if len(p) > viewDump {
			line = fmt.Appendf(line, "… (+%d bytes)\n", len(p)-viewDump)
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.W.Write(line)
}
