package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"

	"dialtone/app/address"
	"dialtone/app/escape"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// usageError is a command line that cannot be meant: exit code 2.
type usageError struct {
	err  error
	hint string
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// badUsage marks err as a mistake in the command line.
func badUsage(err error) error { return &usageError{err: err} }

// usage makes a usage error with a hint, which may be empty.
func usage(hint, format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...), hint}
}

// flagError makes a usage error of what the flag parser says.
func flagError(err error) error {
	var bad *pflag.InvalidValueError
	if !errors.As(err, &bad) {
		return badUsage(err)
	}
	var what, hint string
	switch bad.GetFlag().Value.Type() {
	case "duration":
		what, hint = "a time", "write a number with ms, s, m or h, such as 500ms or 1h30m"
	case "int", "uint", "uint16", "int64", "uint64":
		what, hint = "a whole number", "write a number such as 100"
	case "float64":
		what, hint = "a number", "write a number such as 100 or 0.5"
	case "bool":
		what, hint = "yes or no", "write --"+bad.GetFlag().Name+" alone, or with =false"
	default:
		return badUsage(fmt.Errorf("--%s: %w", bad.GetFlag().Name, errors.Unwrap(bad)))
	}
	return usage(hint, "--%s %q is not %s", bad.GetFlag().Name, bad.GetValue(), what)
}

// hinted is an error whose hint is known where it happened.
type hinted struct {
	error
	hint string
}

func (e *hinted) Unwrap() error { return e.error }

// withHint adds what to try to err.
func withHint(err error, hint string) error { return &hinted{err, hint} }

// errInterrupted ends a verb that the user stopped: nothing more is printed.
var errInterrupted error = interruption{}

type interruption struct{}

func (interruption) Error() string { return "interrupted" }

// Unwrap makes it a context that was cancelled, which a transfer tells the peer.
func (interruption) Unwrap() error { return context.Canceled }

// report prints err as an error: line and, where there is something to try, a
// hint: line, and returns the exit code.
func report(cmd *cobra.Command, err error) int {
	if err == nil {
		return exitDone
	}
	if errors.Is(err, errInterrupted) {
		return exitInterrupted
	}
	fmt.Fprintln(os.Stderr, "error:", oneLine(err.Error()))
	var use *usageError
	var addr *address.Error
	if errors.As(err, &use) || errors.As(err, &addr) {
		hint := hintFor(err)
		if hint == "" {
			hint = fmt.Sprintf("see %s --help", cmd.CommandPath())
		}
		fmt.Fprintln(os.Stderr, "hint:", oneLine(hint))
		return exitUsage
	}
	if hint := hintFor(err); hint != "" {
		fmt.Fprintln(os.Stderr, "hint:", oneLine(hint))
	}
	return exitFailed
}

// oneLine escapes text that may hold a peer's or a user's bytes. The text is our
// own sentence, so that a backslash in it is not doubled.
func oneLine(s string) string {
	return strings.ReplaceAll(escape.String(s), `\\`, `\`)
}

// hintFor says what to try after err, or nothing.
func hintFor(err error) string {
	var use *usageError
	var known *hinted
	var addr *address.Error
	var dns *net.DNSError
	var unknownCA x509.UnknownAuthorityError
	var wrongName x509.HostnameError
	var record tls.RecordHeaderError
	if hint := transferHint(err); hint != "" && !errors.As(err, &known) {
		return hint
	}
	switch {
	case errors.As(err, &known):
		return known.hint
	case errors.As(err, &use) && use.hint != "":
		return use.hint
	case errors.As(err, &addr):
		return addr.Hint
	case errors.As(err, &dns) && dns.IsNotFound:
		return "check the spelling of the name, or use an IP address"
	case errors.As(err, &dns):
		return "the name server did not answer: check the network, or use an IP address"
	case errors.As(err, &record):
		return "the other side does not speak TLS here: try tcp:// instead of tls://"
	case errors.As(err, &unknownCA):
		return "name its CA with --ca FILE, or pin the certificate with --fingerprint SHA256"
	case errors.As(err, &wrongName):
		return "say which name the certificate has with --servername NAME"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there: check the port, and that the server is running"
	case errors.Is(err, syscall.ECONNRESET):
		return "the other side aborted the connection: look at its log"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "no way leads there: check the address and the network (dialtone resolve shows the route)"
	case errors.Is(err, syscall.EADDRINUSE):
		return "another program listens there: choose another port, or port 0 for a free one (dialtone resolve shows who)"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "that address is not one of this machine's"
	case errors.Is(err, fs.ErrPermission):
		return "ports below 1024 and other users' files need rights: choose another, or run as a user who has them"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return "no answer in time: a firewall may drop packets, or the machine is down; --timeout waits longer"
	}
	return ""
}

// noArgs, exactArgs and unknownVerb are cobra's argument checks with our words.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("", "%s takes no arguments, got %q", cmd.CommandPath(), args[0])
	}
	return nil
}

func exactArgs(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < n:
			return usage("", "%s needs %s", cmd.CommandPath(), what)
		case len(args) > n:
			return usage("", "%s takes only %s, got also %q", cmd.CommandPath(), what, args[n])
		}
		return nil
	}
}

func unknownVerb(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := "see dialtone --help"
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "did you mean dialtone " + near[0] + "?"
	}
	return usage(hint, "there is no verb %q", args[0])
}
