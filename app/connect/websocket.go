package connect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"dialtone/app/address"

	"github.com/gorilla/websocket"
)

const (
	webSocketBuffer = 64 << 10
	maxHandshake    = 64 << 10 // of a server's HTTP answer
	closeWait       = time.Second
)

// webSocket is a WebSocket as a stream. What one Write gets is one message: text
// when it is UTF-8, which most servers want, and binary otherwise. Reads run the
// messages together. A close frame is each direction's end (RFC 6455 §5.5.1
// forbids data after one's own, not reading on), so that CloseWrite works.
type webSocket struct {
	*websocket.Conn
	below net.Conn
	r     io.Reader // the rest of the message being read; nil between messages
}

// openWebSocket asks the HTTP server at conn for a WebSocket, or closes conn.
func openWebSocket(ctx context.Context, conn net.Conn, a address.Address) (net.Conn, error) {
	// The library's handshake obeys a context's deadline, but not its end.
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(longAgo) })
	defer stop()
	limited := &limitedConn{Conn: conn}
	limited.left.Store(maxHandshake)
	use := func(context.Context, string, string) (net.Conn, error) { return limited, nil }
	d := websocket.Dialer{
		NetDialContext:    use,
		NetDialTLSContext: use, // TLS is already there
		ReadBufferSize:    webSocketBuffer,
		WriteBufferSize:   webSocketBuffer,
	}
	ws, answer, err := d.DialContext(ctx, webSocketURL(a), nil)
	if err != nil {
		conn.Close()
		if answer != nil {
			err = fmt.Errorf("the server answered %q instead of opening a WebSocket", answer.Status)
		}
		return nil, fmt.Errorf("WebSocket: %w", err)
	}
	limited.left.Store(-1)
	ws.SetCloseHandler(func(int, string) error { return nil }) // Close answers; there may be more to send
	return &webSocket{Conn: ws, below: conn}, nil
}

// webSocketURL leaves out a default port, as browsers do in the Host header.
func webSocketURL(a address.Address) string {
	u := url.URL{Scheme: a.Scheme, Host: a.Target()}
	if a.Host == "" {
		u.Host = net.JoinHostPort("localhost", fmt.Sprint(a.Port))
	}
	if path, err := url.ParseRequestURI(a.Path); err == nil {
		u.Path, u.RawPath, u.RawQuery = path.Path, path.RawPath, path.RawQuery
	}
	return u.String()
}

func (w *webSocket) Read(p []byte) (n int, err error) {
	for n == 0 && err == nil && len(p) > 0 {
		if w.r == nil {
			if _, w.r, err = w.NextReader(); err != nil {
				return 0, endOfWebSocket(err)
			}
		}
		if n, err = w.r.Read(p); err == io.EOF {
			w.r, err = nil, nil
		}
	}
	if err != nil {
		err = endOfWebSocket(err)
	}
	return n, err
}

// endOfWebSocket makes a regular close io.EOF: 1000 normal, 1001 going away,
// 1005 no code given (RFC 6455 §7.4.1).
func endOfWebSocket(err error) error {
	var closed *websocket.CloseError
	switch {
	case websocket.IsCloseError(err, websocket.CloseNormalClosure, websocket.CloseGoingAway, websocket.CloseNoStatusReceived):
		return io.EOF
	case websocket.IsCloseError(err, websocket.CloseAbnormalClosure), errors.Is(err, io.ErrUnexpectedEOF):
		return ErrCut
	case errors.As(err, &closed):
		return fmt.Errorf("the server closed the WebSocket with code %d %q", closed.Code, closed.Text)
	}
	return err
}

func (w *webSocket) Write(p []byte) (int, error) {
	kind := websocket.BinaryMessage
	if utf8.Valid(p) {
		kind = websocket.TextMessage
	}
	if err := w.WriteMessage(kind, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// CloseWrite sends our close frame.
func (w *webSocket) CloseWrite() error {
	err := w.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Time{})
	if errors.Is(err, websocket.ErrCloseSent) {
		return nil
	}
	return err
}

// Close answers the server's close frame if we did not send ours before, and
// ends the connection.
func (w *webSocket) Close() error {
	w.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(closeWait))
	return w.below.Close()
}

// SetDeadline, SetReadDeadline and SetWriteDeadline also reach a call that is under way.
func (w *webSocket) SetDeadline(t time.Time) error {
	return errors.Join(w.SetReadDeadline(t), w.SetWriteDeadline(t))
}

func (w *webSocket) SetReadDeadline(t time.Time) error { return w.below.SetReadDeadline(t) }

func (w *webSocket) SetWriteDeadline(t time.Time) error { return w.below.SetWriteDeadline(t) }

// limitedConn ends when more than left bytes arrive; a negative left is no limit.
type limitedConn struct {
	net.Conn
	left atomic.Int64
}

func (c *limitedConn) Read(p []byte) (int, error) {
	left := c.left.Load()
	if left < 0 {
		return c.Conn.Read(p)
	}
	if left == 0 {
		return 0, fmt.Errorf("the server's HTTP answer has more than %d bytes", maxHandshake)
	}
	n, err := c.Conn.Read(p[:min(int64(len(p)), left)])
	c.left.Add(-int64(n))
	return n, err
}
