package connect_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"dialtone/app/address"
	"dialtone/app/connect"
)

// upper is a classic server: it answers one conversation in upper case.
func upper() address.Address {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		defer l.Close()
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		text, _ := io.ReadAll(c)
		c.Write(bytes.ToUpper(text))
	}()
	return address.Address{Scheme: "tcp"}.At(l.Addr())
}

func Example() {
	ctx := context.Background()
	d := connect.Dialer{Timeout: 5 * time.Second}
	conn, err := d.Dial(ctx, upper())
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	result, err := connect.Run(ctx, conn, connect.Options{In: strings.NewReader("hello\n"), Out: os.Stdout})
	fmt.Println(result.Sent, result.Received, result.ServerFirst, err)
	// Output:
	// HELLO
	// 6 6 false <nil>
}

func ExampleDialer() {
	_, err := new(connect.Dialer).Dial(context.Background(), address.Address{Scheme: "unix", Path: "/nobody/listens"})
	fmt.Println(err)
	// Output: connect to unix:///nobody/listens: no such file or directory
}

func ExampleHexDump() {
	conn, err := new(connect.Dialer).Dial(context.Background(), upper())
	if err != nil {
		fmt.Println(err)
		return
	}
	connect.Run(context.Background(), conn, connect.Options{
		In:    strings.NewReader("hello socket"),
		Watch: connect.HexDump(os.Stdout),
	})
	// Output:
	// > 00000000  68 65 6c 6c 6f 20 73 6f  63 6b 65 74              |hello socket|
	// < 00000000  48 45 4c 4c 4f 20 53 4f  43 4b 45 54              |HELLO SOCKET|
}

func ExampleWatchers() {
	watch := connect.Watchers(nil, func(e connect.Event) { fmt.Println(e.Kind) })
	watch(connect.Event{Kind: connect.HalfClosed})
	fmt.Println(connect.Watchers(nil, nil) == nil)
	// Output:
	// half-closed
	// true
}

func ExampleTicker() {
	text, err := io.ReadAll(&connect.Ticker{Text: []byte("hello socket\n"), Every: time.Millisecond, Count: 3})
	fmt.Printf("%s%v", text, err)
	// Output:
	// hello socket
	// hello socket
	// hello socket
	// <nil>
}

func ExampleCRLF() {
	text, _ := io.ReadAll(connect.CRLF(strings.NewReader("GET / HTTP/1.0\n\n")))
	fmt.Printf("%q\n", text)
	// Output: "GET / HTTP/1.0\r\n\r\n"
}

func ExampleLines() {
	buf := make([]byte, 100)
	n, _ := connect.Lines(strings.NewReader("hello\n")).Read(buf)
	fmt.Printf("%q\n", buf[:n])
	// Output: "hello"
}

func ExampleParseFingerprint() {
	_, err := connect.ParseFingerprint("AB:CD")
	fmt.Println(err)
	// Output: fingerprint: 4 hexadecimal digits, a SHA-256 has 64
}

func ExampleRecorder() {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	r := connect.NewJSON(os.Stdout)
	r.Watch(connect.Event{Time: at, Kind: connect.Sent, Data: []byte("hello\n")})
	r.Watch(connect.Event{Time: at, Kind: connect.Received, Data: []byte{0xff, 0}})
	r.Watch(connect.Event{Time: at, Kind: connect.Closed, By: "client", Sent: 6, Received: 2})
	// Output:
	// {"time":"2026-01-02T03:04:05Z","event":"sent","bytes":6,"text":"hello\n"}
	// {"time":"2026-01-02T03:04:05Z","event":"received","bytes":2,"base64":"/wA="}
	// {"time":"2026-01-02T03:04:05Z","event":"closed","by":"client","sent":6,"received":2}
}

func ExampleReplay() {
	var record bytes.Buffer
	r := connect.NewRecorder(&record, "tcp://127.0.0.1:8000")
	r.Watch(connect.Event{Kind: connect.Sent, Data: []byte("hello")})
	r.Watch(connect.Event{Kind: connect.Received, Data: []byte("HELLO")})
	text := record.String()

	ask, _ := connect.NewRecordReader(strings.NewReader(text))
	said, err := io.ReadAll(connect.NewReplay(ask, 0))
	fmt.Printf("to %s: %s, %v\n", ask.Address(), said, err)

	answers, _ := connect.NewRecordReader(strings.NewReader(text))
	compare := connect.NewComparer(answers)
	io.WriteString(compare, "HELP!")
	fmt.Println(compare.Finish())
	// Output:
	// to tcp://127.0.0.1:8000: hello, <nil>
	// the answers differ from the recorded ones at byte 3: got "P!", recorded "LO"
}
