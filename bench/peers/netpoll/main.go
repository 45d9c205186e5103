// Command netpoll is the upper-case server on github.com/cloudwego/netpoll,
// with its zero-copy reader and writer and the eight-byte kernel.
package main

import (
	"context"
	"fmt"
	"log"
	"net"

	"github.com/cloudwego/netpoll"

	"dialtone/bench/peers/ascii"
)

func main() {
	log.SetFlags(0)
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	l, err := netpoll.ConvertListener(plain)
	if err != nil {
		log.Fatal(err)
	}
	loop, err := netpoll.NewEventLoop(answer)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening tcp://%s\n", l.Addr())
	log.Fatal(loop.Serve(l))
}

func answer(_ context.Context, c netpoll.Connection) error {
	r, w := c.Reader(), c.Writer()
	n := r.Len()
	in, err := r.Next(n)
	if err != nil {
		return err
	}
	out, err := w.Malloc(n)
	if err != nil {
		return err
	}
	copy(out, in)
	ascii.Upper(out)
	if err := r.Release(); err != nil {
		return err
	}
	return w.Flush()
}
