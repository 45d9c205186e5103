package sockets

import (
	"context"
	"net"
	"net/netip"
	"slices"

	"dialtone/observe/grammar"
)

// A Filter says which sockets to see, in words that read like those of package filter.
// Many goroutines may use one at once; nil takes every socket.
//
//	host A, net A/B             either end's address; host takes a net too
//	port N, portrange N-M       either end's port, by number or name
//	local, remote (src, dst)    before one of those: of this end, of the other
//	tcp, udp, unix              also before port: tcp port 80
//	ip, ip6                     also before host and net
//	state WORD                  in this state: close-wait, syn-sent, listen, unconnected
//	pid N, process NAME         a process with this number, this name has it open
//	user NAME                   the user who made it, by name or number
//
// Terms are joined by and, or, not and parentheses; a value alone takes the words before
// the last one: port 80 or 443.
type Filter struct {
	root  node
	owner bool // some term asks who has a socket open
}

// node is a part of a filter.
type node interface {
	match(s *Socket) bool
	String() string
}

// ParseFilter reads a filter, looking up the names in it; an empty one takes every
// socket. The error is a *grammar.Error that points at a word.
func ParseFilter(ctx context.Context, text string) (*Filter, error) {
	f, names, err := ReadFilter(text)
	if names {
		p := parser{Reader: grammar.NewReader(text, logic), ctx: ctx, filter: f, names: true, lookup: lookupHost}
		f.root, err = p.All(p.unit)
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

// ReadFilter is ParseFilter for text that may not be finished: it looks no host's name
// up. Names says that there are some; they match no address.
func ReadFilter(text string) (f *Filter, names bool, err error) {
	f = &Filter{root: always(true)}
	p := parser{Reader: grammar.NewReader(text, logic), ctx: context.Background(), filter: f}
	if p.Empty() {
		return f, false, nil
	}
	if f.root, err = p.All(p.unit); err != nil {
		return nil, false, err
	}
	return f, p.named, nil
}

func lookupHost(ctx context.Context, name string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", name)
}

// Match reports whether s is one to see.
func (f *Filter) Match(s *Socket) bool { return f == nil || f.root.match(s) }

// NeedsOwners reports whether Match looks at who has a socket open.
func (f *Filter) NeedsOwners() bool { return f != nil && f.owner }

// NamesUnix reports whether f speaks of Unix sockets.
func (f *Filter) NamesUnix() bool {
	found := false
	f.walk(func(n node) { found = found || n == networkTerm("unix") })
	return found
}

// String returns f in full, as ParseFilter reads it.
func (f *Filter) String() string {
	if f == nil || f.root == always(true) {
		return ""
	}
	return f.root.String()
}

func (f *Filter) walk(each func(node)) {
	if f != nil {
		walk(f.root, each)
	}
}

type (
	and struct{ a, b node }
	or  struct{ a, b node }
	not struct{ a node }
	// always is every socket, or none.
	always bool
)

// logic joins nodes.
var logic = grammar.Logic[node]{
	And: func(a, b node) node { return and{a, b} },
	Or:  func(a, b node) node { return or{a, b} },
	Not: func(a node) node { return not{a} },
}

func (n and) match(s *Socket) bool  { return n.a.match(s) && n.b.match(s) }
func (n or) match(s *Socket) bool   { return n.a.match(s) || n.b.match(s) }
func (n not) match(s *Socket) bool  { return !n.a.match(s) }
func (n always) match(*Socket) bool { return bool(n) }

func (n and) String() string { return "(" + n.a.String() + " and " + n.b.String() + ")" }
func (n or) String() string  { return "(" + n.a.String() + " or " + n.b.String() + ")" }
func (n not) String() string { return "not " + n.a.String() }

func (n always) String() string {
	if n {
		return "(tcp or not tcp)"
	}
	return "(tcp and not tcp)"
}

func walk(n node, each func(node)) {
	each(n)
	switch n := n.(type) {
	case and:
		walk(n.a, each)
		walk(n.b, each)
	case or:
		walk(n.a, each)
		walk(n.b, each)
	case not:
		walk(n.a, each)
	}
}

// among returns those of list that a socket which n matches can have, if decide says of
// each term whether it takes an element, or that it is about something else.
func among[T any](n node, list []T, decide func(t node, element T) (takes, known bool)) []T {
	var may func(n node, e T, above bool) bool // with above whether n may match, else whether it must
	may = func(n node, e T, above bool) bool {
		switch n := n.(type) {
		case and:
			return may(n.a, e, above) && may(n.b, e, above)
		case or:
			return may(n.a, e, above) || may(n.b, e, above)
		case not:
			return !may(n.a, e, !above)
		case always:
			return bool(n)
		}
		if takes, known := decide(n, e); known {
			return takes
		}
		return above
	}
	return slices.DeleteFunc(slices.Clone(list), func(e T) bool { return !may(n, e, true) })
}

// states are those that a socket which f takes can be in.
func (f *Filter) states() []State {
	if f == nil {
		return States()
	}
	return among(f.root, States(), func(t node, s State) (bool, bool) {
		term, ok := t.(stateTerm)
		return State(term) == s, ok
	})
}

// networks are the ones of list that a socket which f takes can have.
func (f *Filter) networks(list []string) []string {
	if f == nil {
		return list
	}
	return among(f.root, list, func(t node, network string) (bool, bool) {
		switch t := t.(type) {
		case networkTerm:
			return t.takes(network), true
		case portTerm:
			if network == "unix" || !t.protocol.takes(network) {
				return false, true
			}
		case prefixTerm, familyTerm:
			if network == "unix" {
				return false, true
			}
		}
		return false, false
	})
}
