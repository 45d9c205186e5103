//go:build !linux

package tree

import "os"

func openHandle(dir string) (handle, error) { return openRootHandle(dir) }

// allocate does nothing: the disk is full when it is full.
func allocate(*os.File, int64) error { return nil }

func syncContent(f *os.File) error { return f.Sync() }

// bootID is not known: after an interruption what was not synced is read again.
func bootID() string { return "" }

func descriptors() int { return 256 }
