// Package jsonline writes objects of JSON, one a line, for those that write hundreds of
// thousands: without reflection, and without allocating.
//
//	o = append(o[:0], '{')
//	o.Word("event", "packet")
//	o.Int("frame", 7)
//	o = append(o, '}', '\n')
package jsonline

import (
	"encoding/json"
	"strconv"
	"time"

	"dialtone/app/escape"
)

// Object is a JSON object that is being written.
type Object []byte

// Key begins a field: its value is to be appended.
func (o *Object) Key(name string) {
	if n := len(*o); n > 0 && (*o)[n-1] != '{' {
		*o = append(*o, ',')
	}
	*o = append(*o, '"')
	*o = append(*o, name...)
	*o = append(*o, '"', ':')
}

// Int writes a whole number.
func (o *Object) Int(name string, v int64) {
	o.Key(name)
	*o = strconv.AppendInt(*o, v, 10)
}

// Seconds writes nanoseconds as seconds.
func (o *Object) Seconds(name string, ns int64) {
	o.Key(name)
	*o = strconv.AppendFloat(*o, float64(ns)/1e9, 'f', -1, 64)
}

// Time writes nanoseconds since 1970 as RFC 3339 has a time, in UTC.
func (o *Object) Time(name string, ns int64) {
	o.Key(name)
	*o = append(*o, '"')
	*o = time.Unix(0, ns).UTC().AppendFormat(*o, "2006-01-02T15:04:05.000000000Z07:00")
	*o = append(*o, '"')
}

// Word writes a string that is known to be plain ASCII.
func (o *Object) Word(name, v string) {
	o.Key(name)
	*o = append(*o, '"')
	*o = append(*o, v...)
	*o = append(*o, '"')
}

// Text writes any string.
func (o *Object) Text(name, v string) {
	o.Key(name)
	*o = append(*o, Quoted(v)...)
}

// Bool writes true or false.
func (o *Object) Bool(name string, v bool) {
	o.Key(name)
	*o = strconv.AppendBool(*o, v)
}

// Quoted is any string as a JSON value that a terminal may show.
func Quoted(v string) []byte {
	b, err := json.Marshal(v)
	if err != nil { // a string always has a form
		return []byte(`""`)
	}
	return escape.JSON(b)
}
