// Package tcp is the Transmission Control Protocol (RFC 9293): segments, their
// options and sequence numbers, and the states of a connection. Its headers have
// the verbs that package link describes.
//
//	h, payload, err := tcp.Parse(segment) // up: h.Options is a view of segment
//	segment = h.Append(segment[:0])       // down; then the payload, then Fill
//
// Options are read one by one with [Options.Next] or by what they say, as with
// [Options.MSS]; [Options.Check] says which is broken. They are written with the
// builders, which keep within the 40 bytes that there are:
//
//	syn := tcp.Options(nil).AppendMSS(1460).AppendSACKPermitted().AppendTimestamps(now, 0).AppendNop(1).AppendWindowScale(7)
//	ack := o[:0].AppendNop(2).AppendTimestamps(now, seen)
//
// [Conn] is one end of a connection, a machine without goroutine, lock or clock, which
// such headers drive: a host gives it the segments that arrive and the time, and sends
// what it puts out. [Listening], [Reset] and [TimeWaitRecord] answer for what is no
// connection yet, none at all, or none any more.
package tcp
