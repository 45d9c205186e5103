// Package connect is a full-duplex client: input to socket and socket to output
// at the same time, over TCP, UDP, TLS, WebSocket and Unix sockets.
//
//	a, err := address.Parse("tls://example.com:8443")
//	...
//	conn, err := new(connect.Dialer).Dial(ctx, a)
//	...
//	result, err := connect.Run(ctx, conn, connect.Options{In: os.Stdin, Out: os.Stdout})
//
// # How a conversation ends
//
// Either side may end first.
//
//	end of In ──► half-close (FIN, close_notify, close frame) ──► read on ──► the server ends
//	the server ends ──► the conversation is over, also while In is still open
//	reset, time out, failing In or Out ──► over, with an *Error
//	ctx ends ──► over, with the context's cause
//
// A connection that cannot be half-closed, as UDP, has no end that the server
// could announce: after the end of In, [Options.Wait] without an answer ends it.
//
// # Events
//
// What happens can be watched: [Options.Watch] gets an [Event] each. [Recorder]
// writes them as JSON lines, [RecordReader] reads them back, [Replay] says again
// what was said and [Comparer] says whether the answers are the same.
// [HexDump] shows them to people.
//
// # Limits
//
// A conversation holds two goroutines and two buffers of 128 KiB (datagrams: as
// large as one can be), whatever the sizes on either side: a side that does not
// read stops the other side's writer and nothing grows.
package connect
