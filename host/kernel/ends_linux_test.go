package kernel

import (
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"dialtone/observe/flow"
)

// TestShortConnections opens and closes 2,000 of them, or 10,000, eight at a time.
func TestShortConnections(t *testing.T) {
	t.Parallel()
	bothRoles(t, setting{}, func(y *yard, client, server sockets, address string) {
		at := y.serve(server, net.JoinHostPort(address, "9000"), func(c net.Conn) { io.Copy(c, c) })
		const at1 = 8
		each := 2000 / at1
		if long {
			each = 10_000 / at1
		}
		var group sync.WaitGroup
		for range at1 {
			group.Go(func() {
				answer := make([]byte, 8)
				for range each {
					c, err := client.DialContext(y.Context(), "tcp", at)
					if err != nil {
						y.Error(err)
						return
					}
					if _, err := io.WriteString(c, "question"); err != nil {
						y.Error(err)
					}
					if _, err := io.ReadFull(c, answer); err != nil {
						y.Error(err)
					}
					c.Close()
				}
			})
		}
		group.Wait()
	})
}

// TestHalfClose: the answer comes behind the end of the question.
func TestHalfClose(t *testing.T) {
	t.Parallel()
	bothRoles(t, setting{}, func(y *yard, client, server sockets, address string) {
		at := y.serve(server, net.JoinHostPort(address, "9000"), func(c net.Conn) {
			question, err := io.ReadAll(c)
			if err != nil {
				y.Error(err)
			}
			c.Write(append([]byte("answer to "), question...))
		})
		c := y.dial(client, at)
		io.WriteString(c, "question")
		c.(closer).CloseWrite()
		if answer, err := io.ReadAll(c); string(answer) != "answer to question" || err != nil {
			y.Errorf("%q, %v", answer, err)
		}
	})
}

// TestReset: who aborts in mid-stream resets the other, in both directions.
func TestReset(t *testing.T) {
	for name, clientAborts := range map[string]bool{"by the client": true, "by the server": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setting{may: []flow.Label{flow.LabelReset}}
			bothRoles(t, s, func(y *yard, client, server sockets, address string) {
				got := make(chan error, 1)
				stream := func(c net.Conn) error { // until it is reset
					for block := make([]byte, 64<<10); ; {
						if _, err := c.Write(block); err != nil {
							return err
						}
					}
				}
				abort := func(c net.Conn) { // after some of it
					if _, err := io.CopyN(io.Discard, c, 1<<20); err != nil {
						y.Error(err)
					}
					c.(closer).SetLinger(0)
					c.Close()
				}
				at := y.serve(server, net.JoinHostPort(address, "9000"), func(c net.Conn) {
					if clientAborts {
						got <- stream(c)
					} else {
						abort(c)
					}
				})
				c := y.dial(client, at)
				if clientAborts {
					abort(c)
				} else {
					got <- stream(c)
				}
				if err := <-got; !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
					y.Errorf("the other end got %v", err)
				}
			})
		})
	}
}

// TestZeroWindow: a reader that pauses shuts the window; probes keep the connection, and
// all arrives in the end.
func TestZeroWindow(t *testing.T) {
	pause := 3 * time.Second
	if long {
		pause = time.Minute
	}
	t.Parallel()
	// Who reads nothing for so long asks whether the other end is alive.
	s := setting{snap: headers, may: []flow.Label{flow.LabelKeepAlive, flow.LabelKeepAliveACK}}
	bothRoles(t, s, func(y *yard, client, server sockets, address string) {
		const n = 24 << 20 // more than any buffer has room for
		want := sumOf(bytesOf(n))
		at := y.serve(server, net.JoinHostPort(address, "9000"), func(c net.Conn) {
			time.Sleep(pause)
			if got := sumOf(c); got != want {
				y.Errorf("got %s, want %s", got, want)
			}
		})
		c := y.dial(client, at)
		if _, err := io.Copy(c, bytesOf(n)); err != nil {
			y.Error(err)
		}
		c.(closer).CloseWrite()
		if rest, err := io.ReadAll(c); len(rest) > 0 || err != nil {
			y.Errorf("%d bytes, %v", len(rest), err)
		}
	})
}
