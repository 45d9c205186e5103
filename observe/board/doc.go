// Package board serves the page of dialtone watch: the sockets of this machine as they
// change, and the eleven states of TCP with a dot for each end of a connection.
//
//	view, err := live.Open(live.Config{Query: sockets.Query{Info: true, Memory: true, Owners: true}})
//	go view.Run(ctx)
//	board := board.New(view, board.Config{})
//	fmt.Println(board.URL(listener.Addr()))
//	err = board.Serve(ctx, listener)
//
// A page gets everything by server-sent events: what it needs goes one way only, a browser
// speaks them without a library, and they pass the same checks as any other request. A
// stream begins with all rows and goes on with those that differ from what this page was
// sent, so that a page that reads slowly gets fewer, coarser steps and never a queue.
// Transitions are numbered and kept in one ring for all pages: a page that was away says
// the last number it has, and is told the rest, or how many it missed.
//
// Whoever knows the token in the URL may look, and nobody can change anything. See door.go.
package board
