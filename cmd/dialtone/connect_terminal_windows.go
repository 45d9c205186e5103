package main

import (
	"golang.org/x/sys/windows"
	"golang.org/x/term"
)

// rawWithSignals makes the console raw, but Ctrl-C still interrupts.
func rawWithSignals(fd int) (*term.State, error) {
	saved, err := term.MakeRaw(fd)
	if err != nil {
		return nil, err
	}
	var mode uint32
	console := windows.Handle(fd)
	if err = windows.GetConsoleMode(console, &mode); err == nil {
		err = windows.SetConsoleMode(console, mode|windows.ENABLE_PROCESSED_INPUT)
	}
	if err != nil {
		term.Restore(fd, saved)
		return nil, err
	}
	return saved, nil
}

// onResize does nothing: Windows has no signal for it, the size stays that of the start.
func onResize(func()) (stop func()) { return func() {} }
