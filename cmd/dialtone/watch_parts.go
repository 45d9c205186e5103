package main

import (
	"runtime"
	"sync"

	"dialtone/observe/sockets"
)

// inParts cuts rows into parts, one for each processor, lets f make something of each at
// once, and returns what it made, in order.
func inParts[T any](rows []*sockets.Socket, f func(part []*sockets.Socket) T) []T {
	const least = 1000 // rows that a goroutine is worth
	n := max(1, min(runtime.GOMAXPROCS(0), len(rows)/least))
	made := make([]T, n)
	var working sync.WaitGroup
	for i := range n {
		working.Go(func() { made[i] = f(rows[i*len(rows)/n : (i+1)*len(rows)/n]) })
	}
	working.Wait()
	return made
}
