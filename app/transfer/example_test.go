package transfer_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing/fstest"

	"dialtone/app/pairing"
	"dialtone/app/transfer"
	"dialtone/app/tree"
)

// Files of any fs.FS cross a connection of the caller's own into a folder.
func Example() {
	here, there := net.Pipe()
	dir, err := os.MkdirTemp("", "inbox")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	received := make(chan error)
	go func() {
		dst, err := tree.OpenTarget(dir, tree.TargetOptions{})
		if err == nil {
			_, err = transfer.Receive(context.Background(), pairing.New(there), transfer.Folder(dst), transfer.ReceiveOptions{})
		}
		received <- err
	}()

	src := tree.FromFS(fstest.MapFS{
		"holiday/beach.txt": {Data: []byte("sand\n")},
		"holiday/hills.txt": {Data: []byte("grass\n")},
	}, tree.SourceOptions{})
	sum, err := transfer.Send(context.Background(), pairing.New(here), src, transfer.SendOptions{})
	fmt.Println(sum.Files, "files,", sum.Bytes, "bytes,", err, <-received)

	text, err := os.ReadFile(filepath.Join(dir, "holiday", "beach.txt"))
	fmt.Printf("%q %v\n", text, err)
	// Output:
	// 2 files, 11 bytes, <nil> <nil>
	// "sand\n" <nil>
}

// Two programs that do not know each other's keys meet by a code that people
// tell each other.
func ExampleSend_code() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	const code = "7-copper-lantern"
	ctx := context.Background()

	received := make(chan string)
	go func() {
		l, err := pairing.NewListener(ln, pairing.Config{Code: code}, pairing.ListenOptions{})
		if err != nil {
			received <- err.Error()
			return
		}
		defer l.Close()
		s, err := l.Accept(ctx)
		if err != nil {
			received <- err.Error()
			return
		}
		var out strings.Builder
		_, err = transfer.Receive(ctx, s, transfer.Writer(&out), transfer.ReceiveOptions{})
		received <- fmt.Sprintf("%q %v", out.String(), err)
	}()

	d := pairing.Dialer{Config: pairing.Config{Code: code}}
	s, err := d.Dial(ctx, "tcp", ln.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	src := transfer.Stream("greeting", strings.NewReader("hello, world"))
	_, err = transfer.Send(ctx, s, src, transfer.SendOptions{
		Event: func(e transfer.Event) { fmt.Println(e.Kind, e.Path, e.Bytes, "bytes", e.Sum.String()[:8]) },
	})
	fmt.Println(err)
	fmt.Println(<-received)
	// Output:
	// done greeting 12 bytes a1a55887
	// <nil>
	// "hello, world" <nil>
}
