//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

	"dialtone/link/cable"
)

const (
	chosenControl  = "/proc/sys/net/ipv4/tcp_congestion_control"
	allowedControl = "/proc/sys/net/ipv4/tcp_allowed_congestion_control"
)

// useCubic makes Linux's default the default of ends, whatever this machine's
// is: peers that do not ask for another are then measured as most people meet
// them. A namespace may only choose what the machine allows to everybody; where
// cubic is not among it, it is for a moment.
func useCubic(ends ...*cable.End) (err error) {
	for _, end := range ends {
		choose := func() error { return os.WriteFile(chosenControl, []byte("cubic"), 0) }
		err := end.Do(choose)
		if errors.Is(err, syscall.EPERM) {
			err = allowing("cubic", func() error { return end.Do(choose) })
		}
		if err != nil {
			return fmt.Errorf("choose cubic: %w", err)
		}
	}
	return nil
}

// allowing calls f while everybody may choose that congestion control.
func allowing(name string, f func() error) error {
	text, err := os.ReadFile(allowedControl)
	if err != nil {
		return err
	}
	old := strings.TrimSpace(string(text))
	if !slices.Contains(strings.Fields(old), name) {
		if err := os.WriteFile(allowedControl, []byte(old+" "+name), 0); err != nil {
			return err
		}
		defer os.WriteFile(allowedControl, []byte(old), 0)
	}
	return f()
}
