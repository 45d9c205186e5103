//go:build !linux

package capture

func populate([]byte, int, int) {}
