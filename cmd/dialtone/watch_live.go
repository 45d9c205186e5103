package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"dialtone/observe/capture"
	"dialtone/observe/filter"
	"dialtone/observe/ladder"
	"dialtone/observe/live"
	"dialtone/observe/screen"
	"dialtone/observe/sockets"

	"golang.org/x/term"
)

// shows reports whether to show the live view: to a person, on a terminal that can be
// drawn on, who asked for nothing else.
func (f *watchFlags) shows() bool {
	asked := f.once || f.json || f.events || f.until != "" || f.width > 0
	return !asked && term.IsTerminal(int(os.Stdout.Fd())) && os.Getenv("TERM") != "dumb"
}

// showLive shows the view until somebody leaves it.
func (f *watchFlags) showLive(ctx context.Context, words string, filter *sockets.Filter) error {
	unix := f.unix || filter.NamesUnix()
	query := sockets.Query{Info: true, Memory: true, Owners: true, Congestion: true}
	if unix {
		query.Networks = []string{"tcp", "udp", "unix"}
	}
	view, err := live.Open(live.Config{Netns: f.namespace(), Source: f.source, Every: f.every, Query: query})
	if err != nil {
		return namespaceHint(err)
	}
	config := screen.Config{
		View: view, Columns: screenColumns(f.chosen()), Reverse: strings.HasPrefix(f.sort, "-"), Usual: screenColumn(&column{order: usualOrder}),
		Words: words, Filter: filter, Unix: unix, Trouble: f.trouble, Root: os.Geteuid() == 0,
		ASCII: !speaksUTF8(), Location: localZone(),
	}
	if f.sort != "" {
		order := screenColumn(f.sorter())
		config.Order = &order
	}
	config.Trace = traceConnection
	if f.netns != "" {
		config.Trace = func(context.Context, netip.AddrPort, netip.AddrPort, int, func(string)) error {
			return fmt.Errorf("a capture does not reach into another network namespace; watch it from inside: nsenter --net=%s dialtone watch", oneLine(f.namespace()))
		}
	}
	return errors.Join(screen.Run(ctx, config), view.Close())
}

func screenColumns(list []*column) (columns []screen.Column) {
	for _, c := range list {
		columns = append(columns, screenColumn(c))
	}
	return columns
}

func screenColumn(c *column) screen.Column {
	return screen.Column{
		Name: c.name, Number: c.number != nil, Append: c.append, Compare: c.compare, Key: c.key,
		Spare: 1 + slices.Index(spareColumns, c.name),
	}
}

// traceConnection captures what passes between two ends, and hands on the lines of its
// ladder. Its first packets may have been sent long before.
func traceConnection(ctx context.Context, local, remote netip.AddrPort, width int, line func(string)) error {
	expr, err := filter.Config{Labels: ladder.LabelWords()}.Parse(ctx, betweenWords(local, remote))
	if err != nil {
		return err
	}
	source, err := capture.OpenLive(ctx, capture.LiveConfig{Interface: capture.AnyInterface, Filter: expr.Kernel})
	if err != nil {
		return err
	}
	defer source.Close()
	line("from now on, on every interface:")
	style := (&traceFlags{iface: capture.AnyInterface}).styleOf(os.Stdout)
	style.Width = width
	rows := &timely{w: ladder.NewWriter(&lineWriter{line: line}, style)}
	stop := rows.refresh(ctx)
	err = ladder.Walk(ladder.NewPass(source, expr), rows)
	stop()
	return errors.Join(err, rows.w.Flush())
}

// betweenWords is a filter of what passes between two ends, either way.
func betweenWords(local, remote netip.AddrPort) string {
	var words []string
	for _, a := range []netip.AddrPort{local, remote} {
		words = append(words, "host "+a.Addr().Unmap().WithZone("").String(), "port "+strconv.Itoa(int(a.Port())))
	}
	return "tcp and " + strings.Join(words, " and ")
}

// lineWriter cuts what is written into lines.
type lineWriter struct {
	line func(string)
	rest []byte
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	for {
		line, rest, ok := bytes.Cut(w.rest, []byte{'\n'})
		if !ok {
			return len(p), nil
		}
		w.line(string(line))
		w.rest = rest
	}
}
