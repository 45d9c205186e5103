//go:build !windows && (!unix || solaris || illumos || aix)

package pairing

// lock does nothing where there is no flock: the last writer wins, with a whole file.
func lock(string) (unlock func(), err error) { return func() {}, nil }
