package connect

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

var everyKind = []Event{
	{Kind: Connected, Local: "127.0.0.1:1", Remote: "[::1%eth0]:2"},
	{Kind: Sent, Data: []byte("hello <&> \x00\x1b[2J\u202e\u009b €𝄞\U000e0041\n")},
	{Kind: Received, Data: []byte("\xff\x00")},
	{Kind: Received, Data: []byte{}},
	{Kind: Sent, Data: bytes.Repeat([]byte{0}, MaxData)},
	{Kind: HalfClosed},
	{Kind: Failed, Error: "peer said \u2028"},
	{Kind: Closed, By: "server", Sent: 1 << 40, Received: 2},
}

func TestRecordIsReadBack(t *testing.T) {
	var file bytes.Buffer
	w := NewRecorder(&file, "tcp://127.0.0.1:2")
	start := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	for i, e := range everyKind {
		e.Time = start.Add(time.Duration(i))
		w.Watch(e)
	}
	for _, r := range file.String() {
		if !unicode.IsPrint(r) && r != '\n' {
			t.Errorf("the record holds %q raw", r)
		}
	}
	r, err := NewRecordReader(&file)
	if err != nil || r.Address() != "tcp://127.0.0.1:2" {
		t.Fatal(r, err)
	}
	for i, want := range everyKind {
		want.Time = start.Add(time.Duration(i))
		if got, err := r.Next(); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got  %.200v, %v\nwant %.200v", got, err, want)
		}
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

const header = `{"time":"2026-01-02T03:04:05Z","event":"record","version":1,"address":"x"}` + "\n"

func TestBrokenRecordsSayWhere(t *testing.T) {
	for in, want := range map[string]string{
		"":        "line 1: empty",
		"hello\n": "line 1: invalid character",
		`{"time":"2026-01-02T03:04:05Z","event":"connected"}`:                                        "line 1: no header",
		strings.Replace(header, `:1,`, `:2,`, 1):                                                     "line 1: version 2",
		header + "{}":                                                                                "line 2: no time",
		header + `{"time":"2026-01-02T03:04:05Z","event":"sent"}`:                                    "line 2: no byte count",
		header + `{"time":"2026-01-02T03:04:05Z","event":"sent","bytes":1}`:                          "line 2: need one of",
		header + `{"time":"2026-01-02T03:04:05Z","event":"sent","bytes":1,"text":"ab"}`:              "line 2: says 1 bytes and holds 2",
		header + `{"time":"2026-01-02T03:04:05Z","event":"sent","bytes":1,"text":"a","base64":"YQ"}`: "line 2: ",
		header + `{"time":"2026-01-02T03:04:05Z","event":"dance"}`:                                   `line 2: unknown event "dance"`,
		header + `{"time":"2026-01-02T03:04:05Z","event":"closed"}`:                                  "line 2: closed without",
		header + `{"time":"2026-01-02T03:04:05Z","event":"half-closed","x":1}`:                       "line 2: json: unknown field",
		header + `{"time":"2026-01-02T03:04:05Z","event":"half-closed"}{}`:                           "line 2: more than one",
		header + `{"time":"2026-01-02T03:04:05Z","event":"error","error":"` + "\xff" + `"}`:          "line 2: not UTF-8",
		header + "\n":                           "line 2: EOF",
		header + strings.Repeat(" ", maxLine+1): "line 2: longer than",
	} {
		_, err := readAll(strings.NewReader(in))
		var broken *RecordError
		if !errors.As(err, &broken) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80q: error %v, want %q", in, err, want)
		}
	}
}

func readAll(in io.Reader) (list []Event, err error) {
	r, err := NewRecordReader(in)
	for err == nil {
		var e Event
		if e, err = r.Next(); err == nil {
			list = append(list, e)
		}
	}
	if err == io.EOF {
		err = nil
	}
	return list, err
}

// FuzzReadRecord holds that what can be read is written back the same.
func FuzzReadRecord(f *testing.F) {
	var file bytes.Buffer
	w := NewRecorder(&file, "tcp://127.0.0.1:2")
	for _, e := range everyKind {
		if len(e.Data) < 100 {
			w.Watch(e)
		}
	}
	f.Add(file.Bytes())
	f.Add([]byte(header))
	f.Add([]byte(header + `{"time":"2026-01-02T03:04:05+01:00","event":"sent","bytes":2,"base64":"/w=="}`))
	f.Add([]byte(header + `{"event":"closed","time":"0000-01-01T00:00:00Z","sent":-1,"received":0,"text":"\ud800"}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		events, err := readAll(bytes.NewReader(in))
		if err != nil {
			return
		}
		var again bytes.Buffer
		w := NewRecorder(&again, "")
		for _, e := range events {
			w.Watch(e)
		}
		if !utf8.Valid(again.Bytes()) {
			t.Error("written record is not UTF-8")
		}
		back, err := readAll(&again)
		if err != nil || len(back) != len(events) {
			t.Fatalf("%d events became %d, %v", len(events), len(back), err)
		}
		for i, e := range events {
			if !e.Time.Equal(back[i].Time) {
				t.Errorf("time %v became %v", e.Time, back[i].Time)
			}
			back[i].Time = e.Time
			if !reflect.DeepEqual(e, back[i]) {
				t.Errorf("%+v became %+v", e, back[i])
			}
		}
	})
}

// record holds a conversation and returns its record.
func record(t *testing.T, serve func(net.Conn), in string) []byte {
	t.Helper()
	var file bytes.Buffer
	conn := dial(t, new(Dialer), listen(t, serve))
	if _, err := Run(context.Background(), conn, Options{In: strings.NewReader(in), Watch: NewRecorder(&file, "x").Watch}); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func TestReplayCompares(t *testing.T) {
	file := record(t, afterEOF, "hello, world")
	answers := func(text string) func(net.Conn) {
		return func(c net.Conn) { io.Copy(io.Discard, c); io.WriteString(c, text) }
	}
	for name, c := range map[string]struct {
		serve  func(net.Conn)
		offset int64 // -1: the same
		what   string
	}{
		"same":  {afterEOF, -1, ""},
		"other": {answers("hello, earth"), 7, `got "earth", recorded "world"`},
		"less":  {answers("hello"), 5, "less came"},
		"more":  {answers("hello, world!"), 12, "more came"},
	} {
		t.Run(name, func(t *testing.T) {
			ask, err := NewRecordReader(bytes.NewReader(file))
			if err != nil {
				t.Fatal(err)
			}
			answer, err := NewRecordReader(bytes.NewReader(file))
			if err != nil {
				t.Fatal(err)
			}
			compare := NewComparer(answer)
			conn := dial(t, new(Dialer), listen(t, c.serve))
			result, err := Run(context.Background(), conn, Options{In: NewReplay(ask, 1), Out: compare})
			if err != nil || result.Sent != 12 {
				t.Fatal(result, err)
			}
			var different *DifferenceError
			switch err := compare.Finish(); {
			case c.offset < 0 && err == nil:
			case !errors.As(err, &different) || different.Offset != c.offset || !strings.Contains(err.Error(), c.what):
				t.Errorf("error %v", err)
			}
		})
	}
}

// A replay at speed 1 takes as long as the record, one at 0 takes no time.
func TestReplayKeepsThePace(t *testing.T) {
	text := header + `{"time":"2026-01-02T03:00:00Z","event":"connected"}
{"time":"2026-01-02T03:00:00.2Z","event":"sent","bytes":1,"text":"a"}
{"time":"2026-01-02T04:00:00Z","event":"sent","bytes":1,"text":"b"}
`
	for speed, least := range map[float64]time.Duration{0: 0, 1e9: 0, 1e5: 36 * time.Millisecond} {
		r, err := NewRecordReader(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		got, err := io.ReadAll(NewReplay(r, speed))
		if took := time.Since(start); string(got) != "ab" || err != nil || took < least {
			t.Errorf("speed %v: %q after %v, %v", speed, got, took, err)
		}
	}
}
