package sockets

import (
	"errors"
	"fmt"
	"net/netip"

	"dialtone/link/netns"
)

// Watch begins to watch. Run does the work.
func Watch(c WatchConfig) (*Watcher, error) {
	w := &Watcher{config: c}
	var err error
	if w.table, err = Open(c.Config); err != nil {
		return nil, err
	}
	if w.finder, err = Open(c.Config); err != nil {
		w.table.Close()
		return nil, err
	}
	if err := w.open(); err != nil {
		w.table.Close()
		w.finder.Close()
		return nil, err
	}
	w.Model = NewModel(c.Tell, w.find, w.source.sight().Exact)
	return w, nil
}

// open finds the best source that there is.
func (w *Watcher) open() error {
	for _, name := range Sources() {
		if w.config.Source != "" && w.config.Source != name {
			continue
		}
		s, err := openSource(name, w.config)
		if err == nil {
			w.source = s
			return nil
		}
		w.denied = append(w.denied, &SourceError{name, err})
	}
	if len(w.denied) == 0 {
		return fmt.Errorf("no source of transitions is named %q", w.config.Source)
	}
	return errors.Join(w.denied...)
}

func openSource(name string, c WatchConfig) (source, error) {
	switch name {
	case RawTracepoint:
		inode, err := netnsInode(c.Netns)
		if err != nil {
			return nil, err
		}
		return openBPF(inode)
	case Tracepoint:
		return openPerf(c.Tracefs)
	case Destroyed:
		return openDestroyed(netns.Namespace(c.Netns))
	}
	return looking{}, nil
}

// find looks a connection up.
func (w *Watcher) find(local, remote netip.AddrPort) State {
	s, err := w.finder.Find(local, remote, false)
	if err != nil || s == nil {
		return 0
	}
	return s.State
}
