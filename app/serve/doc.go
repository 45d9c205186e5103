// Package serve is a concurrent server for conversations: over streams (TCP,
// TLS, WebSocket, Unix sockets, whatever is a net.Listener) and over datagrams
// (whatever is a net.PacketConn).
//
//	server := &serve.Server{Service: serve.Upper()}
//	ln, err := net.Listen("tcp", "127.0.0.1:8000")
//	...
//	go server.Serve(ctx, ln)
//	...
//	server.Shutdown(drain) // conversations end, or drain does
//
// The rules:
//
//   - One goroutine holds a conversation. What it is doing there is a [Service]:
//     either a [Talk], a state machine without I/O, or a function that takes the
//     connection over.
//   - What a peer does not read is not read from it either: a conversation holds
//     one burst of input (at most 64 KiB) and its answer, and nothing while it is
//     idle.
//   - The peer's FIN ends input; output goes on until it is done, and the
//     server's FIN follows. A reset is sent only to refuse, to cut off, or when
//     the server must close now.
//   - Everything has a limit ([Limits]), and who is refused is logged with why.
//
// The limits of the package: it does not fork, it does not change users, and
// it speaks no protocol above the connection but the services here.
package serve
