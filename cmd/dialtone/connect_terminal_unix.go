//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// rawWithSignals makes the terminal raw, but Ctrl-C still sends SIGINT. Ctrl-\
// and Ctrl-Z would leave the shell a raw terminal: they do nothing.
func rawWithSignals(fd int) (*term.State, error) {
	saved, err := term.MakeRaw(fd)
	if err != nil {
		return nil, err
	}
	termios, err := unix.IoctlGetTermios(fd, getTermios)
	if err == nil {
		termios.Lflag |= unix.ISIG
		for _, key := range []int{unix.VQUIT, unix.VSUSP} {
			termios.Cc[key] = noKey
		}
		err = unix.IoctlSetTermios(fd, setTermios, termios)
	}
	if err != nil {
		term.Restore(fd, saved)
		return nil, err
	}
	return saved, nil
}

// onResize calls f whenever the window changes its size, until stop, which
// waits for the last call.
func onResize(f func()) (stop func()) {
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, syscall.SIGWINCH)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range resized {
			f()
		}
	}()
	return func() {
		signal.Stop(resized)
		close(resized)
		<-done
	}
}
