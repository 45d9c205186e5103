package serve

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"dialtone/app/escape"

	"github.com/gorilla/websocket"
)

// WebSocket returns a Wrap that upgrades requests for path (RFC 6455). What the
// messages carry is one stream, in both directions; an answer goes as text when
// it is UTF-8 and the peer's last message was text, as binary otherwise. A page
// of another origin is refused, as any browser tab could otherwise talk to a
// server on this machine.
func WebSocket(path string) Wrap {
	return func(_ context.Context, c net.Conn) (net.Conn, error) { return upgrade(c, path) }
}

// maxRequest bounds the bytes of an upgrade request's line and headers.
const maxRequest = 16 << 10

// upgrade answers the request on c and returns the WebSocket.
func upgrade(c net.Conn, path string) (net.Conn, error) {
	limited := &io.LimitedReader{R: c, N: maxRequest}
	in := bufio.NewReaderSize(limited, 4096)
	w := &hijack{conn: c, rw: bufio.NewReadWriter(in, bufio.NewWriter(c)), header: http.Header{}}
	req, err := http.ReadRequest(in)
	switch {
	case limited.N <= 0:
		http.Error(w, "too much", http.StatusRequestHeaderFieldsTooLarge)
		return nil, fmt.Errorf("WebSocket request: more than %d bytes", maxRequest)
	case err != nil:
		return nil, fmt.Errorf("WebSocket request: %w", noEOF(err))
	}
	limited.N = 1 << 62                                             // the request is over; from here on it is the stream
	if want, _, _ := strings.Cut(path, "?"); req.URL.Path != want { // what a query says is the client's business
		http.Error(w, "nothing here", http.StatusNotFound)
		return nil, fmt.Errorf("WebSocket request: for %q, not %q", escape.String(req.URL.Path), path)
	}
	up := websocket.Upgrader{ReadBufferSize: 4096, WriteBufferSize: 4096, WriteBufferPool: &wsBuffers}
	ws, err := up.Upgrade(w, req, nil)
	if err != nil {
		return nil, fmt.Errorf("WebSocket request: %w", err)
	}
	return newWSConn(ws), nil
}

var wsBuffers sync.Pool // gorilla's write buffers, held only while writing

// hijack is as much of an http.ResponseWriter as an upgrade needs.
type hijack struct {
	conn   net.Conn
	rw     *bufio.ReadWriter
	header http.Header
	wrote  bool
}

func (h *hijack) Header() http.Header { return h.header }

func (h *hijack) Hijack() (net.Conn, *bufio.ReadWriter, error) { return h.conn, h.rw, nil }

func (h *hijack) WriteHeader(code int) {
	if h.wrote {
		return
	}
	h.wrote = true
	h.header.Set("Connection", "close")
	fmt.Fprintf(h.conn, "HTTP/1.1 %d %s\r\n", code, http.StatusText(code))
	h.header.Write(h.conn)
	io.WriteString(h.conn, "\r\n")
}

func (h *hijack) Write(p []byte) (int, error) {
	h.WriteHeader(http.StatusOK)
	return h.conn.Write(p)
}

// wsConn makes a stream of a WebSocket's messages. A close frame is a FIN: after
// the peer's, reading ends and writing goes on (RFC 6455 §5.5.1 asks only that
// ours follows as soon as practical).
type wsConn struct {
	*websocket.Conn
	message io.Reader // what is left of the message being read
	binary  atomic.Bool
	cut     [utf8.UTFMax]byte // the beginning of a rune of a text message
	held    int               // how many bytes of cut are there
	closing sync.Once

	writeUntil atomic.Pointer[time.Time] // for the next write; nil is no limit
}

func newWSConn(ws *websocket.Conn) *wsConn {
	ws.SetCloseHandler(func(int, string) error { return nil }) // ours goes when we are done
	return &wsConn{Conn: ws}
}

// Read does not end inside a rune of a text message: an echo of that half would
// have to go as binary.
func (w *wsConn) Read(p []byte) (int, error) {
	for {
		if w.message == nil {
			kind, r, err := w.NextReader()
			if err != nil {
				return 0, wsError(err)
			}
			w.binary.Store(kind == websocket.BinaryMessage)
			w.message = r
		}
		held := copy(p, w.cut[:w.held])
		w.held = 0
		n, err := w.message.Read(p[held:])
		n += held
		switch {
		case errors.Is(err, io.EOF):
			w.message, err = nil, nil
		case !w.binary.Load() && len(p) > utf8.UTFMax:
			n = w.holdBack(p[:n])
		}
		if n > 0 || err != nil {
			return n, wsError(err)
		}
	}
}

// holdBack keeps a rune that p's end has cut, and returns what is left of p.
func (w *wsConn) holdBack(p []byte) int {
	for k := 1; k < utf8.UTFMax && k <= len(p); k++ {
		if tail := p[len(p)-k:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				w.held = copy(w.cut[:], tail)
			}
			break
		}
	}
	return len(p) - w.held
}

func (w *wsConn) Write(p []byte) (int, error) {
	kind := websocket.TextMessage
	if w.binary.Load() || !utf8.Valid(p) {
		kind = websocket.BinaryMessage
	}
	if until := w.writeUntil.Load(); until != nil {
		w.Conn.SetWriteDeadline(*until)
	}
	if err := w.WriteMessage(kind, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// CloseWrite sends our close frame.
func (w *wsConn) CloseWrite() (err error) {
	w.closing.Do(func() {
		bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
		err = w.WriteControl(websocket.CloseMessage, bye, time.Now().Add(time.Second))
	})
	return err
}

func (w *wsConn) Close() error {
	w.CloseWrite()
	return w.Conn.Close()
}

// SetWriteDeadline may be called while somebody writes; gorilla's may not.
func (w *wsConn) SetWriteDeadline(t time.Time) error {
	w.writeUntil.Store(&t)
	return w.NetConn().SetWriteDeadline(t)
}

func (w *wsConn) SetDeadline(t time.Time) error {
	return errors.Join(w.SetReadDeadline(t), w.SetWriteDeadline(t))
}

// wsError makes a proper close the end of the stream.
func wsError(err error) error {
	var closed *websocket.CloseError
	if !errors.As(err, &closed) {
		return err
	}
	if closed.Code == websocket.CloseAbnormalClosure {
		return io.ErrUnexpectedEOF
	}
	return io.EOF
}
