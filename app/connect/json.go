package connect

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"dialtone/app/escape"
)

// line is an Event as one line of JSON, and the header of a record:
//
//	{"time":"2026-01-02T03:04:05.000000006Z","event":"record","version":1,"address":"tcp://127.0.0.1:8000"}
//	{"time":"…","event":"connected","local":"127.0.0.1:40000","remote":"127.0.0.1:8000"}
//	{"time":"…","event":"sent","bytes":6,"text":"hello\n"}
//	{"time":"…","event":"received","bytes":2,"base64":"/wA="}
//	{"time":"…","event":"half-closed"}
//	{"time":"…","event":"error","error":"receive from 127.0.0.1:8000: connection reset by peer"}
//	{"time":"…","event":"closed","by":"server","sent":6,"received":2}
//
// Bytes are text where they are UTF-8 and base64 (RFC 4648 §4) where not. What
// cannot be printed is escaped as \uXXXX, so that a line is safe on a terminal.
type line struct {
	Time     *time.Time `json:"time"`
	Event    Kind       `json:"event"`
	Version  int        `json:"version,omitempty"`
	Address  string     `json:"address,omitempty"`
	Local    string     `json:"local,omitempty"`
	Remote   string     `json:"remote,omitempty"`
	Bytes    *int       `json:"bytes,omitempty"`
	Text     *string    `json:"text,omitempty"`
	Base64   []byte     `json:"base64,omitempty"`
	By       string     `json:"by,omitempty"`
	Sent     *int64     `json:"sent,omitempty"`
	Received *int64     `json:"received,omitempty"`
	Error    string     `json:"error,omitempty"`
}

// lineOf returns e as a line.
func lineOf(e Event) line {
	l := line{Time: &e.Time, Event: e.Kind, Local: e.Local, Remote: e.Remote, By: e.By, Error: e.Error}
	switch e.Kind {
	case Sent, Received:
		n := len(e.Data)
		l.Bytes = &n
		if utf8.Valid(e.Data) {
			text := string(e.Data)
			l.Text = &text
		} else {
			l.Base64 = e.Data
		}
	case Closed:
		l.Sent, l.Received = &e.Sent, &e.Received
	}
	return l
}

// event returns the Event of l, or what is wrong with it.
func (l *line) event() (Event, error) {
	e := Event{Kind: l.Event, Local: l.Local, Remote: l.Remote, By: l.By, Error: l.Error}
	if l.Time == nil {
		return e, errors.New("no time")
	}
	e.Time = *l.Time
	var err error
	switch l.Event {
	case Connected, HalfClosed, Failed:
	case Sent, Received:
		e.Data, err = l.data()
	case Closed:
		if l.Sent != nil && l.Received != nil {
			e.Sent, e.Received = *l.Sent, *l.Received
		} else {
			err = errors.New("closed without its counts")
		}
	default:
		err = fmt.Errorf("unknown event %q", l.Event)
	}
	return e, err
}

func (l *line) data() ([]byte, error) {
	data := l.Base64
	switch {
	case l.Bytes == nil:
		return nil, errors.New("no byte count")
	case (l.Text != nil) == (l.Base64 != nil):
		return nil, errors.New("need one of text and base64")
	case l.Text != nil:
		data = []byte(*l.Text)
	}
	if len(data) != *l.Bytes {
		return nil, fmt.Errorf("says %d bytes and holds %d", *l.Bytes, len(data))
	}
	if len(data) > MaxData {
		return nil, fmt.Errorf("holds %d bytes, more than %d", len(data), MaxData)
	}
	return data, nil
}

// append appends l and a line feed to dst.
func (l *line) append(dst []byte) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(l); err != nil { // a year beyond 9999
		return fmt.Appendf(dst, `{"event":"error","error":%q}`+"\n", err)
	}
	text := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	return append(append(dst, escape.JSON(text)...), '\n')
}

// parseLine reads one line of JSON strictly: no unknown field, nothing after it.
func parseLine(text []byte) (l line, err error) {
	if !utf8.Valid(text) {
		return l, errors.New("not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&l); err != nil {
		return l, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return l, errors.New("more than one JSON value")
	}
	return l, nil
}
