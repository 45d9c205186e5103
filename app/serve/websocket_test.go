package serve_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"dialtone/app/serve"

	"github.com/gorilla/websocket"
)

// wsClient is a WebSocket client's stream: each Write a message, of which there
// may be many, and a close frame for CloseWrite.
type wsClient struct {
	*websocket.Conn
	kind int
	rest io.Reader
}

func dialWS(t testing.TB, url string, kind int) *wsClient {
	t.Helper()
	d := websocket.Dialer{HandshakeTimeout: soon}
	c, _, err := d.Dial(url, nil)
	must(t, err)
	t.Cleanup(func() { c.Close() })
	c.SetReadDeadline(time.Now().Add(soon))
	c.SetCloseHandler(func(int, string) error { return nil })
	return &wsClient{Conn: c, kind: kind}
}

func (w *wsClient) Write(p []byte) (int, error) {
	for from := 0; from < len(p); from += 100_000 { // not the server's sizes
		if err := w.WriteMessage(w.kind, p[from:min(from+100_000, len(p))]); err != nil {
			return from, err
		}
	}
	return len(p), nil
}

func (w *wsClient) Read(p []byte) (int, error) {
	for {
		if w.rest == nil {
			_, r, err := w.NextReader()
			if websocket.IsCloseError(err, websocket.CloseNormalClosure) {
				return 0, io.EOF
			}
			if err != nil {
				return 0, err
			}
			w.rest = r
		}
		n, err := w.rest.Read(p)
		if errors.Is(err, io.EOF) {
			w.rest, err = nil, nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

func (w *wsClient) CloseWrite() error {
	return w.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(soon))
}

func TestWebSocketAnswersTextWithTextAndBinaryWithBinary(t *testing.T) {
	addr := start(t, &serve.Server{Service: serve.Upper()}, serve.WebSocket("/talk"))
	c := dialWS(t, "ws://"+addr+"/talk", 0)
	for _, m := range []struct {
		kind int
		text string
	}{
		{websocket.TextMessage, "hello, wörld"},
		{websocket.BinaryMessage, "bytes"},
		{websocket.TextMessage, strings.Repeat("é", 300)}, // longer than what an idle conversation waits with
		{websocket.TextMessage, strings.Repeat("é", 50_000)},
	} {
		must(t, c.WriteMessage(m.kind, []byte(m.text)))
		want := strings.ToUpper(m.text)
		for got := ""; got != want; {
			kind, p, err := c.ReadMessage()
			must(t, err)
			got += string(p)
			if kind != m.kind || !strings.HasPrefix(want, got) {
				t.Fatalf("answered with kind %d: %.60q", kind, got)
			}
		}
	}
}

func TestWebSocketEchoesTextAsTextWhereverAReadCutsIt(t *testing.T) {
	addr := start(t, &serve.Server{Service: serve.Echo()}, serve.WebSocket("/"))
	c := dialWS(t, "ws://"+addr+"/", websocket.TextMessage)
	want := "a" + strings.Repeat("é€😀", 30_000)
	must(t, c.WriteMessage(websocket.TextMessage, []byte(want)))
	for got := ""; got != want; {
		kind, p, err := c.ReadMessage()
		must(t, err)
		got += string(p)
		if kind != websocket.TextMessage || !strings.HasPrefix(want, got) {
			t.Fatalf("answered with kind %d after %d bytes", kind, len(got))
		}
	}
}

func TestWebSocketCloseFrameEndsInputOnly(t *testing.T) {
	log := newJournal()
	addr := start(t, &serve.Server{Service: serve.Upper(), Log: log.log()}, serve.WebSocket("/"))
	c := dialWS(t, "ws://"+addr+"/", websocket.TextMessage)
	say(t, c, "a\nexi") // the end alone decides about the last line
	must(t, c.CloseWrite())
	hear(t, c, "A\nEXI")
	hearEnd(t, c)
	log.wait(t, event{"msg": "closed", "by": "peer", "how": "FIN", "in": 5, "out": 5})
}

func TestWebSocketServerClosesWithACloseFrame(t *testing.T) {
	addr := start(t, &serve.Server{Service: serve.Upper()}, serve.WebSocket("/"))
	c := dialWS(t, "ws://"+addr+"/", websocket.TextMessage)
	say(t, c, "exit\n")
	if _, _, err := c.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseNormalClosure) {
		t.Fatalf("ended with %v, want a normal close", err)
	}
}

func TestWebSocketAnswersPings(t *testing.T) {
	addr := start(t, &serve.Server{Service: serve.Echo()}, serve.WebSocket("/"))
	c := dialWS(t, "ws://"+addr+"/", websocket.TextMessage)
	var pong string
	c.SetPongHandler(func(data string) error { pong = data; return nil })
	must(t, c.WriteControl(websocket.PingMessage, []byte("are you there"), time.Now().Add(soon)))
	say(t, c, "hello")
	hear(t, c, "hello")
	if pong != "are you there" {
		t.Errorf("pong %q", pong)
	}
}

func TestWebSocketRefusesOtherPathsOriginsAndMethods(t *testing.T) {
	log := newJournal()
	server := &serve.Server{Service: serve.Echo(), Log: log.log()}
	addr := start(t, server, serve.WebSocket("/talk"))
	const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
	for _, x := range []struct {
		request, headers string
		code             int
	}{
		{"GET /other HTTP/1.1", upgrade, http.StatusNotFound},
		{"GET /talk HTTP/1.1", upgrade + "Origin: http://evil.example\r\n", http.StatusForbidden},
		{"GET /talk HTTP/1.1", "", http.StatusBadRequest},
		{"POST /talk HTTP/1.1", upgrade, http.StatusMethodNotAllowed},
	} {
		c := dial(t, addr)
		say(t, c, fmt.Sprintf("%s\r\nHost: %s\r\n%s\r\n", x.request, addr, x.headers))
		in := bufio.NewReader(c)
		answer, err := http.ReadResponse(in, nil)
		must(t, err)
		if answer.StatusCode != x.code {
			t.Errorf("%s: %s, want %d", x.request, answer.Status, x.code)
		}
		// The answer must not be overtaken by a reset.
		if _, err := io.ReadAll(answer.Body); err != nil {
			t.Errorf("%s: its answer ends with %v", x.request, err)
		}
		log.wait(t, event{"msg": "refused", "peer": c.LocalAddr(), "reason": "handshake"})
	}
	if server.Open() != 0 {
		t.Error("one of them got in")
	}
}

func TestWebSocketRefusesOversizedRequestHeaders(t *testing.T) {
	log := newJournal()
	addr := start(t, &serve.Server{Service: serve.Echo(), Log: log.log()}, serve.WebSocket("/"))
	c := dial(t, addr)
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", 1<<20)) // it may be cut off meanwhile
	log.wait(t, event{"msg": "refused", "reason": "handshake"})
	if _, err := io.ReadFull(c, make([]byte, 16)); err != nil {
		t.Errorf("no answer: %v", err)
	}
}

func TestShutdownAnswersWhatAWebSocketHasReceived(t *testing.T) {
	server := &serve.Server{Service: serve.Upper()}
	addr := start(t, server, serve.WebSocket("/"))
	c := dialWS(t, "ws://"+addr+"/", websocket.TextMessage)
	say(t, c, "hello\n")
	hear(t, c, "HELLO\n")
	for range 10 {
		say(t, c, "more\n")
	}
	over, cancel := context.WithCancel(context.Background())
	cancel()
	if ended := server.Shutdown(over); ended != 1 {
		t.Errorf("%d ended", ended)
	}
	hear(t, c, strings.Repeat("MORE\n", 10))
	hearEnd(t, c)
}

func TestWebSocketPeerThatGoesWithoutACloseFrameIsNotTheServicesFailure(t *testing.T) {
	log := newJournal()
	addr := start(t, &serve.Server{Service: serve.Echo(), Log: log.log()}, serve.WebSocket("/"))
	c := dialWS(t, "ws://"+addr+"/", websocket.TextMessage)
	say(t, c, "hello")
	hear(t, c, "hello")
	c.NetConn().Close()
	if e := log.wait(t, event{"msg": "closed"}); e["by"] != "peer" || e["how"] != "cut off" {
		t.Errorf("logged %v", e)
	}
}
