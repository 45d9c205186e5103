package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// idleTLS measures memory under TLS connections, held by this process.
func (h *hall) idleTLS(ctx context.Context, r row, s *server) (sample, error) {
	before := settled(s.pid)
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	message := []byte(strings.Repeat("a", r.size-1) + "\n")
	// What is measured is memory: who answers makes no difference.
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	for range r.conns {
		c, err := dialer.DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", s.port))
		if err != nil {
			return sample{}, fmt.Errorf("%w: %w", errClosedEarly, err)
		}
		conns = append(conns, c)
		if err := ask(c, message); err != nil {
			return sample{}, err
		}
	}
	after := settled(s.pid)
	for _, c := range conns {
		if err := ask(c, message); err != nil {
			return sample{}, err
		}
	}
	return sample{kib: float64(after-before) / float64(r.conns)}, nil
}

// ask sends one message and checks its answer, within 10 s.
func ask(c net.Conn, message []byte) error {
	c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := c.Write(message); err != nil {
		return fmt.Errorf("%w: %w", errClosedEarly, err)
	}
	answer := make([]byte, len(message))
	if _, err := io.ReadFull(c, answer); err != nil {
		return fmt.Errorf("%w: %w", errClosedEarly, err)
	}
	if !bytes.Equal(answer, bytes.ToUpper(message)) {
		return fmt.Errorf("%w: %q", errWrongBytes, answer)
	}
	return nil
}
