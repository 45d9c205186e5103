package sockets

import (
	"context"
	"errors"
	"net/netip"
	"os/user"
	"slices"
	"strconv"
	"strings"

	"dialtone/observe/grammar"
)

// parser reads a filter. Beside what the grammar says of terms,
//
//	unit   = ... | term | value
//	term   = qualifiers values
//	values = value | "(" values { ("and" | "or") values } ")" | "not" values
//
// a value without qualifiers takes those of the term before it.
type parser struct {
	grammar.Reader[node]
	ctx    context.Context
	filter *Filter
	last   *qualifiers // of the term before, nil where there is none
	names  bool        // look names up; else they stand for no address
	named  bool        // there was a name that was not looked up
	lookup func(ctx context.Context, name string) ([]netip.Addr, error)
}

// qualifiers are what stands before a value.
type qualifiers struct {
	protocol string // of protocolWords, or ""
	side     side
	kind     string // of kindWords, or "" where the value shows what it is
}

// The words that begin a term.
var (
	protocolWords = []string{"tcp", "udp", "unix", "ip", "ip6"}
	sideWords     = []string{"local", "remote", "src", "dst"}
	kindWords     = []string{"host", "net", "port", "portrange", "state", "pid", "process", "user"}
)

func (p *parser) unit() (node, error) {
	w, ok := p.Peek()
	switch op := w.Operator(); {
	case ok && (op == "not" || op == "("):
		return p.Nested(op, p.unit)
	case !ok || op != "":
		return nil, p.Fault(w, "expected a term such as port, host or state")
	}
	return p.term(w)
}

// term reads a term, or a value that takes the last term's qualifiers.
func (p *parser) term(start grammar.Word) (node, error) {
	q := p.qualifiers()
	switch {
	case q == qualifiers{} && p.last != nil:
		return p.single(*p.last)
	case q == qualifiers{} && !grammar.IsAddress(start.Text):
		return nil, p.Unknown(start, "a word of a filter", slices.Concat(protocolWords, sideWords, kindWords))
	case q.protocol != "" && q.side == either && q.kind == "":
		p.last = nil
		if q.protocol == "ip" || q.protocol == "ip6" {
			return familyTerm(q.protocol), nil
		}
		return networkTerm(q.protocol), nil
	}
	if err := p.fits(start, q); err != nil {
		return nil, err
	}
	p.last = &q
	return p.Values(func() (node, error) { return p.single(q) })
}

func (p *parser) qualifiers() (q qualifiers) {
	q.protocol, _ = p.Take(protocolWords...)
	switch word, _ := p.Take(sideWords...); word {
	case "local", "src":
		q.side = local
	case "remote", "dst":
		q.side = remote
	}
	q.kind, _ = p.Take(kindWords...)
	return q
}

// fits checks that the qualifiers go together.
func (p *parser) fits(start grammar.Word, q qualifiers) error {
	var may []string
	switch q.kind {
	case "host", "net", "":
		may = []string{"", "ip", "ip6"}
	case "port", "portrange":
		may = []string{"", "tcp", "udp"}
	default:
		may = []string{""}
		if q.side != either {
			return p.Fault(start, q.kind+" is of no end: leave out "+strings.TrimSpace(q.side.String()))
		}
	}
	switch {
	case slices.Contains(may, q.protocol):
		return nil
	case q.kind == "":
		w, _ := p.Peek()
		return p.Fault(w, "expected port or portrange")
	}
	return p.Fault(start, q.protocol+" does not go before "+q.kind+": write "+q.protocol+" and "+q.kind)
}

// single reads one value.
func (p *parser) single(q qualifiers) (node, error) {
	switch q.kind {
	case "port", "portrange":
		first, last, err := p.Ports(p.ctx, q.kind, q.protocol)
		return portTerm{networkTerm(q.protocol), q.side, first, last}, err
	case "state":
		return p.state()
	case "pid":
		p.filter.owner = true
		n, err := p.Integer("a process's number", 1<<31-1)
		return processTerm{pid: n}, err
	case "process":
		p.filter.owner = true
		w, err := p.Value("a process's name")
		return processTerm{name: w.Text}, err
	case "user":
		return p.user()
	}
	n, err := p.address(q)
	if err == nil && q.protocol != "" {
		n = and{familyTerm(q.protocol), n}
	}
	return n, err
}

func (p *parser) state() (node, error) {
	w, err := p.Value("a state")
	if err != nil {
		return nil, err
	}
	s, perr := ParseState(w.Text)
	if perr != nil {
		var names []string
		for _, s := range States() {
			names = append(names, strings.TrimPrefix(stateTerm(s).String(), "state "))
		}
		return nil, p.Unknown(w, "a state", names)
	}
	return stateTerm(s), nil
}

func (p *parser) user() (node, error) {
	w, err := p.Value("a user's name or number")
	if err != nil {
		return nil, err
	}
	if n, err := strconv.ParseUint(w.Text, 10, 32); err == nil {
		return userTerm(n), nil
	}
	u, err := user.Lookup(w.Text)
	if err != nil {
		return nil, p.Fault(w, "this machine knows no user of that name")
	}
	n, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, p.Fault(w, "a user without a number: "+u.Uid)
	}
	return userTerm(n), nil
}

// address reads an address, a net, or a host's name.
func (p *parser) address(q qualifiers) (node, error) {
	w, err := p.Value("an address or a host's name")
	if err != nil {
		return nil, err
	}
	kind := q.kind
	if kind == "host" {
		kind = "" // here it takes a net too
	}
	prefix, perr := p.Prefix(w, kind)
	switch {
	case perr == nil:
		return prefixTerm{q.side, prefix}, nil
	case !errors.Is(perr, grammar.ErrNotAddress):
		return nil, p.Fault(w, perr.Error())
	case q.kind == "net" || !grammar.IsName(w.Text):
		return nil, p.Fault(w, "expected an address or a net, such as 192.0.2.1 or 2001:db8::/32")
	case !p.names:
		p.named = true
		return always(false), nil
	}
	addrs, err := p.lookup(p.ctx, w.Text)
	if err != nil {
		return nil, &grammar.Error{Word: w.Text, Offset: w.Offset, Rule: "neither a word of a filter nor a host that is known", Err: err}
	}
	var found node = always(false)
	for i, a := range addrs {
		a = a.Unmap().WithZone("")
		if t := (prefixTerm{q.side, netip.PrefixFrom(a, a.BitLen())}); i == 0 {
			found = t
		} else {
			found = or{found, t}
		}
	}
	return found, nil
}
