//go:build !unix

package tree

const (
	nonblock   = 0
	separators = `\/`
)
