package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"dialtone/app/quantity"
	"dialtone/observe/grammar"
	"dialtone/observe/sockets"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func (f *watchFlags) run(cmd *cobra.Command, args []string) error {
	if err := f.check(); err != nil {
		return err
	}
	if f.columns == "help" {
		return writeColumnHelp(cmd.OutOrStdout())
	}
	filter, err := watchFilter(cmd.Context(), strings.Join(args, " "))
	if err != nil {
		return err
	}
	if f.web != "" {
		return f.serveWeb(cmd.Context(), strings.Join(args, " "), filter)
	}
	if f.events || f.until != "" {
		return f.follow(cmd.Context(), filter)
	}
	if f.shows() {
		return f.showLive(cmd.Context(), strings.Join(args, " "), filter)
	}
	table, err := sockets.Open(sockets.Config{Netns: f.namespace()})
	if err != nil {
		return namespaceHint(err)
	}
	defer table.Close()
	return f.showOnce(table, filter)
}

// watchFilter reads a filter. A mistake in it is one in the command line.
func watchFilter(ctx context.Context, text string) (*sockets.Filter, error) {
	filter, err := sockets.ParseFilter(ctx, text)
	var wrong *grammar.Error
	if errors.As(err, &wrong) && wrong.Err == nil {
		return nil, usage("see dialtone watch --help for the words of a filter", "%w", err)
	}
	return filter, err
}

// namespace is the file of the namespace that was asked for.
func (f *watchFlags) namespace() string {
	if f.netns == "" || strings.Contains(f.netns, "/") {
		return f.netns
	}
	return "/run/netns/" + f.netns
}

func namespaceHint(err error) error {
	var source *sockets.SourceError
	switch {
	case errors.As(err, &source):
		return withHint(err, "without --source the best that can be had is taken; raw tracepoint and tracepoint need root")
	case errors.Is(err, fs.ErrNotExist):
		return withHint(err, "ip netns list shows the namespaces that have names; /proc/PID/ns/net is that of a process")
	case errors.Is(err, fs.ErrPermission):
		return withHint(err, "another network namespace needs root")
	}
	return err
}

// showOnce prints the table as it is now.
func (f *watchFlags) showOnce(table *sockets.Table, filter *sockets.Filter) error {
	debug.SetGCPercent(-1) // nothing is thrown away before the end
	debug.SetMemoryLimit(1 << 30)
	query, list := sockets.Query{Filter: filter}, f.chosen()
	if f.unix && !filter.NamesUnix() {
		query.Networks = []string{"tcp", "udp", "unix"}
	}
	if f.json || f.diagnoses() {
		query.Info, query.Memory, query.Owners, query.Congestion = true, true, true, f.json
	}
	for _, c := range append(list, f.sorter()) {
		c.needs(&query)
	}
	rows, err := table.Read(query)
	if err != nil {
		return err
	}
	all := len(rows)
	if f.trouble {
		rows = slices.DeleteFunc(rows, func(s *sockets.Socket) bool { return len(diagnose(s)) == 0 })
	}
	f.order(rows)
	out := bufio.NewWriterSize(os.Stdout, 64<<10)
	if f.json {
		writeSockets(out, rows, f.netns)
	} else {
		newWatchTable(list, rows).write(out, f.room(), f.findings())
	}
	f.notice(all, rows, filter, query.Owners)
	return out.Flush()
}

// diagnoses reports whether the table says what is off: unless columns were chosen that
// may need no figures.
func (f *watchFlags) diagnoses() bool { return f.trouble || f.columns == "" }

func diagnose(s *sockets.Socket) []sockets.Finding {
	age, _ := s.Age()
	return sockets.Diagnose(s, age)
}

// findings says what stands beneath a row.
func (f *watchFlags) findings() func(*sockets.Socket) []sockets.Finding {
	if !f.diagnoses() {
		return func(*sockets.Socket) []sockets.Finding { return nil }
	}
	return diagnose
}

// notice says on standard error what the table does not.
func (f *watchFlags) notice(all int, rows []*sockets.Socket, filter *sockets.Filter, owners bool) {
	switch {
	case all > 0 && len(rows) == 0:
		fmt.Fprintf(os.Stderr, "nothing is off with %s\n", quantity.CountOf(int64(all), "socket"))
	case len(rows) == 0 && filter.String() != "":
		fmt.Fprintf(os.Stderr, "no socket matches the filter %s\n", oneLine(filter.String()))
	case owners && slices.ContainsFunc(rows, func(s *sockets.Socket) bool { return s.Hidden && len(s.Processes) == 0 && s.Inode != 0 }):
		notice := "some processes are not ours to look into: root would see who has their sockets"
		if os.Geteuid() == 0 {
			notice = "some processes are nobody's to look into, not even root's: ? stands for one of them"
		}
		fmt.Fprintln(os.Stderr, notice)
	}
}

// room is how many columns a table may have; 0 is any number.
func (f *watchFlags) room() int {
	if f.width > 0 || !term.IsTerminal(int(os.Stdout.Fd())) {
		return f.width
	}
	width, _ := sizeOf(os.Stdout)()
	return width
}

// order puts rows in the order in which they are to be shown.
func (f *watchFlags) order(rows []*sockets.Socket) {
	by, back := f.sorter(), strings.HasPrefix(f.sort, "-")
	type keyed struct {
		key uint64
		*sockets.Socket
	}
	list := make([]keyed, len(rows))
	for i, s := range rows {
		list[i] = keyed{by.key(s), s}
		if back {
			list[i].key = ^list[i].key
		}
	}
	slices.SortFunc(list, func(a, b keyed) int {
		switch {
		case a.key < b.key:
			return -1
		case a.key > b.key:
			return 1
		case back:
			return cmp.Or(by.compare(b.Socket, a.Socket), usualOrder(a.Socket, b.Socket))
		}
		return cmp.Or(by.compare(a.Socket, b.Socket), usualOrder(a.Socket, b.Socket))
	})
	for i, k := range list {
		rows[i] = k.Socket
	}
}
