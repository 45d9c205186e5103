//go:build !linux

package bulk

import (
	"errors"
	"fmt"
	"net"
)

func pathOf(*net.TCPConn) (Path, bool) { return Path{}, false }

func setCongestion(_ net.Conn, name string) error {
	return fmt.Errorf("bulk: congestion control %q: %w", name, errors.ErrUnsupported)
}
