package sockets

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
)

// Table reads the sockets of one network namespace. It is for one goroutine at a time.
type Table struct {
	config Config
	// TCP's table is read in two halves at once, by two dialogues: the kernel makes its
	// answers on the processor of who asks, and takes longer than all that follows.
	one, other dialogue
	list       []*Socket // of both
	owners     holders
}

// Open opens the socket table of a network namespace.
func Open(c Config) (*Table, error) {
	t := &Table{config: c}
	t.one.begin(c)
	t.other.begin(c)
	if err := t.one.connect(); err != nil {
		return nil, err
	}
	return t, nil
}

// Close frees the table. It may be called more than once.
func (t *Table) Close() error { return errors.Join(t.one.close(), t.other.close()) }

// Read returns the sockets that q asks for, in no order. They, and what they point at, are
// good until the next Read.
func (t *Table) Read(q Query) ([]*Socket, error) {
	t.one.rows.reset()
	t.other.rows.reset()
	for _, network := range q.networks() {
		if err := t.read(network, q); err != nil {
			t.Close() // what is left of the answers is of no use
			return nil, fmt.Errorf("read %s sockets: %w", network, err)
		}
	}
	list := append(append(t.list[:0], t.one.rows.list...), t.other.rows.list...)
	t.list = list
	if !q.Filter.NeedsOwners() {
		list = q.Filter.keep(list)
	}
	if (q.Owners || q.Filter.NeedsOwners()) && len(list) > 0 {
		t.owners.fill(list)
	}
	if q.Filter.NeedsOwners() {
		list = q.Filter.keep(list)
	}
	return list, nil
}

func (t *Table) read(network string, q Query) error {
	if network == "unix" {
		return t.one.dump(appendUnixRequest, func(body []byte) error { return t.one.rows.unix(body, q.Memory) })
	}
	for _, r := range q.requests(network) {
		a, b := r, request{}
		if network == "tcp" {
			a.program, b = q.Filter.halves(&r)
		}
		if err := t.readBoth(network, a, b); err != nil {
			return err
		}
	}
	return nil
}

// readBoth asks two requests at once; the second may be none.
func (t *Table) readBoth(network string, a, b request) error {
	var second error
	var asking sync.WaitGroup
	if b.states != 0 {
		asking.Go(func() { second = t.other.read(network, b) })
	}
	err := t.one.read(network, a)
	asking.Wait()
	return errors.Join(err, second)
}

// Find returns the TCP connection with these ends, with its Info if asked, or nil. It is
// good until the next Read or Find.
func (t *Table) Find(local, remote netip.AddrPort, info bool) (*Socket, error) {
	e := exact{local: local, remote: remote}
	if info {
		e.attributes = 1 << (attrInfo - 1)
	}
	rows := &t.one.rows
	rows.reset()
	err := t.one.dump(e.appendTo, func(body []byte) error { return rows.inet("tcp", body) })
	if err != nil || len(rows.list) == 0 {
		return nil, err
	}
	s := rows.list[0]
	if wire(s.Local, s.Remote) != wire(local, remote) {
		return nil, nil // a listener, which would take what came
	}
	return s, nil
}
