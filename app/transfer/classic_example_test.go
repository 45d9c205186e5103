package transfer_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"

	"dialtone/app/transfer"
)

// A receiver of one file, and a sender, as the simplest of programs would be them.
func ExampleSendClassic() {
	ctx := context.Background()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer listener.Close()
	done := make(chan error)
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			_, err = transfer.ReceiveClassic(ctx, conn, transfer.Classic3, transfer.Writer(os.Stdout), transfer.ReceiveOptions{})
		}
		done <- err
	}()

	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	text := "the quick brown fox\n"
	sum, err := transfer.SendClassic(ctx, conn, transfer.Classic3, "fox.txt", strings.NewReader(text), int64(len(text)), transfer.SendOptions{})
	fmt.Println(sum.Bytes, err, <-done)
	// Output:
	// the quick brown fox
	// 20 <nil> <nil>
}
