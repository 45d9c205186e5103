package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"

	"dialtone/app/address"
	"dialtone/observe/board"
	"dialtone/observe/live"
	"dialtone/observe/sockets"
)

// checkWeb finds flags that say what a page cannot, or has buttons for.
func (f *watchFlags) checkWeb() error {
	for _, other := range []struct {
		set  bool
		flag string
	}{
		{f.once, "--once"},
		{f.events, "--events"},
		{f.until != "", "--until"},
		{f.json, "--json"},
		{f.columns != "", "--columns"},
		{f.sort != "", "--sort"},
		{f.width != 0, "--width"},
		{f.trouble, "--trouble"},
	} {
		if f.web != "" && other.set {
			return usage("leave one of them out", "--web shows a page, %s is for a terminal", other.flag)
		}
	}
	return nil
}

// webAddress is where to listen: on loopback if no host is said.
func (f *watchFlags) webAddress() (address.Address, error) {
	a, err := address.Parse(f.web)
	switch {
	case err != nil:
		return a, err
	case !strings.HasPrefix(a.Scheme, "tcp"):
		return a, usage("write HOST:PORT, such as 127.0.0.1:8080", "--web %s: the page is served over plain HTTP only", a)
	case a.Host == "":
		a.Host = "127.0.0.1"
	}
	return a, nil
}

// serveWeb serves the page until a signal.
func (f *watchFlags) serveWeb(ctx context.Context, words string, filter *sockets.Filter) error {
	a, err := f.webAddress()
	if err != nil {
		return err
	}
	query := sockets.Query{Info: true, Memory: true, Congestion: true, Owners: true}
	unix := f.unix || filter.NamesUnix()
	if unix {
		query.Networks = []string{"tcp", "udp", "unix"}
	}
	view, err := live.Open(live.Config{Netns: f.namespace(), Source: f.source, Every: f.every, Query: query})
	if err != nil {
		return namespaceHint(err)
	}
	defer view.Close()
	ln, err := net.Listen(a.Network(), a.Target())
	if err != nil {
		return cannotListen(a, err)
	}
	ctx, release := untilSignal(ctx)
	defer release()
	page := board.New(view, board.Config{Name: f.watched(), Filter: words, Trouble: f.trouble, Unix: unix, Host: nameOf(a), Elsewhere: f.netns != ""})
	announcePage(page, ln.Addr())
	return sideBySide(ctx, view.Run, func(ctx context.Context) error { return page.Serve(ctx, ln) })
}

// sideBySide runs two until one of them ends, and returns their errors.
func sideBySide(ctx context.Context, first, second func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() {
		defer stop()
		done <- first(ctx)
	}()
	err := second(ctx)
	stop()
	return errors.Join(err, <-done)
}

// announcePage says where the page is, and who else can see it.
func announcePage(page *board.Board, at net.Addr) {
	fmt.Println(page.URL(at))
	if a, err := netip.ParseAddrPort(at.String()); err == nil && !a.Addr().IsLoopback() {
		fmt.Fprintf(os.Stderr, "WARNING: %s is not only this machine's. Whoever has the token in the URL sees its sockets and processes,\n"+
			"and plain HTTP shows the token to everybody on the way. Safer: --web 127.0.0.1:%d, and ssh -L %[2]d:127.0.0.1:%[2]d from the other machine\n", a, a.Port())
	}
	fmt.Fprintln(os.Stderr, "open it in a browser; Ctrl-C ends it")
}

// nameOf is a's host if it is a name.
func nameOf(a address.Address) string {
	if _, err := netip.ParseAddr(a.Host); err == nil {
		return ""
	}
	return a.Host
}

// watched is the name of what is watched, for the page.
func (f *watchFlags) watched() string {
	if f.netns != "" {
		return f.netns
	}
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}
