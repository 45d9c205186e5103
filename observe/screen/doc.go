// Package screen shows the sockets of a machine on a terminal as they change: a table to
// sort, filter and walk through, and one connection with what it did, its figures, the
// graph of its window and the ladder of its packets.
//
//	err := screen.Run(ctx, screen.Config{View: view, Columns: columns})
//
// The way from the kernel to the eye:
//
//  1. A live.View keeps rows, transitions and samples; await (model.go) hears that there is
//     something new, a few times a second at most.
//  2. The list (list.go) chooses rows and puts them in order. Paused, it keeps what it has.
//  3. View (view.go) draws the lines that the terminal has room for, and no others;
//     Bubble Tea writes those cells that differ.
//
// Bubble Tea owns the terminal: one goroutine calls Update and View, and gives the terminal
// back however the program ends. What belongs to others (names of processes, what ends say)
// is escaped before it is drawn. Colour and weight repeat what a character or a word says.
package screen
