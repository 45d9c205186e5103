package connect

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"dialtone/app/address"

	"github.com/gorilla/websocket"
)

// listenWebSocket serves WebSockets on loopback until the test ends.
func listenWebSocket(t *testing.T, serve func(*websocket.Conn)) address.Address {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	handler := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RequestURI() != "/chat?a=b" {
			http.Error(w, "elsewhere", http.StatusNotFound)
			return
		}
		var u websocket.Upgrader
		if c, err := u.Upgrade(w, r, nil); err == nil {
			serve(c)
			c.Close()
		}
	}
	server := &http.Server{Handler: http.HandlerFunc(handler)}
	done := make(chan struct{})
	go func() { defer close(done); server.Serve(l) }()
	t.Cleanup(func() { server.Close(); <-done })
	a := address.Address{Scheme: "ws", Path: "/chat?a=b"}.At(l.Addr())
	return a
}

// collectThenAnswer reads until our close frame, answers what came, then closes.
func collectThenAnswer(c *websocket.Conn) {
	c.SetCloseHandler(func(int, string) error { return nil })
	var all []byte
	var types strings.Builder
	for {
		kind, p, err := c.ReadMessage()
		if err != nil {
			break
		}
		types.WriteString(map[int]string{websocket.TextMessage: "t", websocket.BinaryMessage: "b"}[kind])
		all = append(all, p...)
	}
	c.WriteMessage(websocket.TextMessage, []byte(types.String()+":"))
	c.WriteMessage(websocket.BinaryMessage, nil)
	c.WriteMessage(websocket.BinaryMessage, all)
	c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""), time.Now().Add(time.Second))
}

func TestWebSocketHalfCloses(t *testing.T) {
	var out bytes.Buffer
	conn := dial(t, new(Dialer), listenWebSocket(t, collectThenAnswer))
	big := strings.Repeat("\xff0123456", 1<<17)
	in := &script{[]string{"text €", "\xff", big[:MaxData], big[MaxData:]}}
	result, err := Run(context.Background(), conn, Options{In: in, Out: &out})
	if err != nil || result.ServerFirst {
		t.Fatal(result, err)
	}
	kinds, data, _ := strings.Cut(out.String(), ":")
	if !strings.HasPrefix(kinds, "tbb") || data != "text €\xff"+big[:2*MaxData] {
		t.Errorf("messages %s, %d bytes", kinds, len(data))
	}
}

func TestWebSocketEndsAndErrors(t *testing.T) {
	closeWith := func(code int, text string) func(*websocket.Conn) {
		return func(c *websocket.Conn) {
			c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, text), time.Now().Add(time.Second))
			c.ReadMessage()
		}
	}
	for name, c := range map[string]struct {
		serve func(*websocket.Conn)
		fail  string
	}{
		"normal": {closeWith(1000, ""), ""},
		"away":   {closeWith(1001, ""), ""},
		"error":  {closeWith(1011, "broken\x1b[2J"), `code 1011 "broken\x1b[2J"`},
		"cut":    {func(c *websocket.Conn) { c.NetConn().Close() }, "cut before"},
	} {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, new(Dialer), listenWebSocket(t, c.serve))
			result, err := Run(context.Background(), conn, Options{In: stuck(t)})
			switch {
			case c.fail == "" && (err != nil || !result.ServerFirst):
				t.Errorf("%+v, %v", result, err)
			case c.fail != "" && (err == nil || !strings.Contains(err.Error(), c.fail)):
				t.Errorf("error %v, want %q", err, c.fail)
			}
		})
	}
}

func TestWebSocketHandshakeFails(t *testing.T) {
	elsewhere := listenWebSocket(t, nil)
	elsewhere.Path = "/"
	endless := listen(t, func(c net.Conn) {
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nX: ")
		for {
			if _, err := c.Write(bytes.Repeat([]byte("x"), 1<<16)); err != nil {
				return
			}
		}
	})
	endless.Scheme = "ws"
	for want, a := range map[string]address.Address{
		`answered "404 Not Found"`: elsewhere,
		"more than 65536 bytes":    endless,
	} {
		if _, err := new(Dialer).Dial(context.Background(), a); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
