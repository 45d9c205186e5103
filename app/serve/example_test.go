package serve_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"dialtone/app/serve"

	"github.com/gorilla/websocket"
)

// open serves a free port in the background.
func open(s *serve.Server, wraps ...serve.Wrap) (addr string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go s.Serve(context.Background(), ln, wraps...)
	return ln.Addr().String()
}

// talk sends text and its end to addr, and returns all that comes back.
func talk(addr, text string) string {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err.Error()
	}
	defer c.Close()
	io.WriteString(c, text)
	c.(*net.TCPConn).CloseWrite()
	answer, err := io.ReadAll(c)
	if err != nil {
		return err.Error()
	}
	return string(answer)
}

func ExampleServer() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	server := &serve.Server{Service: serve.Upper(), Limits: serve.Limits{Max: 1000}}
	done := make(chan error)
	go func() { done <- server.Serve(context.Background(), ln) }()

	fmt.Print(talk(ln.Addr().String(), "hello socket\n"))

	server.Shutdown(context.Background()) // waits for conversations that still go on
	fmt.Println(<-done)
	// Output:
	// HELLO SOCKET
	// <nil>
}

func ExampleServer_ServePacket() {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	server := &serve.Server{Service: serve.Upper()}
	defer server.Close()
	go server.ServePacket(context.Background(), pc)

	c, err := net.Dial("udp", pc.LocalAddr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	io.WriteString(c, "a datagram")
	answer := make([]byte, 100)
	n, _ := c.Read(answer)
	fmt.Printf("%s\n", answer[:n])
	// Output: A DATAGRAM
}

func ExampleUpper() {
	server := &serve.Server{Service: serve.Upper()}
	defer server.Close()
	fmt.Print(talk(open(server), "grüße\nexit\nnobody answers this\n"))
	// Output: GRÜßE
}

func ExampleEcho() {
	server := &serve.Server{Service: serve.Echo()}
	defer server.Close()
	fmt.Print(talk(open(server), "the same bytes\n"))
	// Output: the same bytes
}

func ExampleReply() {
	server := &serve.Server{Service: serve.Reply("This is Server\n")}
	defer server.Close()
	fmt.Print(talk(open(server), "one\ntwo\n"))
	// Output:
	// This is Server
	// This is Server
}

func ExampleChat() {
	server := &serve.Server{Service: serve.Chat()}
	defer server.Close()
	c, err := net.Dial("tcp", open(server))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	greeting := make([]byte, 200)
	n, _ := c.Read(greeting)
	fmt.Print(strings.Replace(string(greeting[:n]), c.LocalAddr().String(), "ADDRESS", 1))
	// Output: * you are ADDRESS; others here: 0
}

func ExampleExec() {
	server := &serve.Server{Service: serve.Exec(nil, "sort")}
	defer server.Close()
	fmt.Print(talk(open(server), "pear\napple\n"))
	// Output:
	// apple
	// pear
}

func ExampleForward() {
	behind := &serve.Server{Service: serve.Upper()}
	defer behind.Close()
	addr := open(behind)

	server := &serve.Server{Service: serve.Forward(func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", addr)
	})}
	defer server.Close()
	fmt.Print(talk(open(server), "from the other side\n"))
	// Output: FROM THE OTHER SIDE
}

func ExampleIdentity() {
	identity := &serve.Identity{Hosts: []string{"localhost"}, ALPN: []string{"talk/1"}}
	if err := identity.Load(); err != nil {
		fmt.Println(err)
		return
	}
	server := &serve.Server{Service: serve.Echo()}
	defer server.Close()
	open(server, identity.Wrap())
	fmt.Println(identity.SelfSigned(), len(strings.Split(identity.Fingerprint(), ":")), "bytes to pin")
	// Output: true 32 bytes to pin
}

func ExampleReadProxyHeader() {
	in := strings.NewReader("PROXY TCP4 192.0.2.1 192.0.2.2 5000 80\r\nhello")
	header, err := serve.ReadProxyHeader(in)
	rest, _ := io.ReadAll(in)
	fmt.Println(header.Source, err, string(rest))
	// Output: 192.0.2.1:5000 <nil> hello
}

func ExampleWebSocket() {
	server := &serve.Server{Service: serve.Upper()}
	defer server.Close()
	addr := open(server, serve.WebSocket("/talk"))

	c, _, err := websocket.DefaultDialer.Dial("ws://"+addr+"/talk", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	c.WriteMessage(websocket.TextMessage, []byte("hello"))
	_, answer, _ := c.ReadMessage()
	fmt.Printf("%s\n", answer)
	// Output: HELLO
}

func ExampleView() {
	view := &serve.View{W: os.Stdout, Hex: true}
	view.Message(&net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 5000}, true, []byte("hello\x1b[2J\n"))
	// Output:
	// 192.0.2.1:5000 > hello\x1b[2J\n
	// 00000000  68 65 6c 6c 6f 1b 5b 32  4a 0a                    |hello.[2J.|
}

func ExampleMetrics() {
	metrics := serve.NewMetrics() // is an http.Handler
	server := &serve.Server{Service: serve.Echo(), Metrics: metrics}
	talk(open(server), "hello\n")
	server.Close()

	page := httptest.NewRecorder()
	metrics.ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(page.Body.String()) {
		if strings.HasPrefix(line, "dialtone_received_bytes_total") {
			fmt.Print(line)
		}
	}
	// Output: dialtone_received_bytes_total{service="echo"} 6
}

func ExampleDiscard() {
	server := &serve.Server{Service: serve.Discard()}
	defer server.Close()
	fmt.Printf("%q\n", talk(open(server), "nobody listens"))
	// Output: ""
}

func ExampleTime() {
	server := &serve.Server{Service: serve.Time()}
	defer server.Close()
	said := talk(open(server), "")
	at, err := time.Parse(time.RFC3339Nano, strings.TrimSpace(said))
	fmt.Println(time.Since(at) < time.Hour, err)
	// Output: true <nil>
}

// counter is a service of one's own: it says how many bytes came.
type counter struct{ n int }

func (c *counter) Begin(dst []byte) ([]byte, bool) {
	c.n = 0
	return append(dst, "counting\n"...), true
}

func (c *counter) Answer(dst, p []byte) (out, rest []byte, more bool) {
	c.n += len(p)
	return dst, nil, true
}

func (c *counter) End(dst []byte) []byte { return fmt.Appendf(dst, "%d bytes\n", c.n) }

func ExampleTalk() {
	server := &serve.Server{Service: serve.Service{Name: "count", Talk: func() serve.Talk { return new(counter) }}}
	defer server.Close()
	fmt.Print(talk(open(server), "hello socket"))
	// Output:
	// counting
	// 12 bytes
}

func ExampleService() {
	greet := func(ctx context.Context, c *serve.Conn) error {
		fmt.Fprintln(c, "good day; over datagrams:", c.Datagram())
		return nil
	}
	server := &serve.Server{Service: serve.Service{Name: "greet", Hold: greet}}
	defer server.Close()
	fmt.Print(talk(open(server), ""))
	// Output: good day; over datagrams: false
}
