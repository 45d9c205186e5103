package board

import (
	"net/http"
	"time"
)

// events writes server-sent events (HTML Living Standard §9.2) to one page.
type events struct {
	w      http.ResponseWriter
	out    *http.ResponseController
	buffer []byte
}

func newEvents(w http.ResponseWriter) *events {
	w.Header().Set("Content-Type", "text/event-stream")
	return &events{w: w, out: http.NewResponseController(w)}
}

// send writes one event. Its data is one line of JSON, or nil for a word alone. A page
// that does not take it in time gets nothing more: it will ask again.
func (e *events) send(name string, data []byte) error {
	if data == nil {
		data = []byte("{}")
	}
	e.buffer = append(append(append(e.buffer[:0], "event: "...), name...), "\ndata: "...)
	e.buffer = append(append(e.buffer, data...), "\n\n"...)
	if err := e.out.SetWriteDeadline(time.Now().Add(slowestRead)); err != nil {
		return err
	}
	if _, err := e.w.Write(e.buffer); err != nil {
		return err
	}
	return e.out.Flush()
}
