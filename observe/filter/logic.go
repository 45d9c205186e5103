package filter

import "dialtone/observe/capture"

type (
	and struct{ a, b node }
	or  struct{ a, b node }
	not struct{ a node }
	// always is every packet, or none.
	always bool
)

func (n and) match(p *capture.Packet, s Subject) bool { return n.a.match(p, s) && n.b.match(p, s) }
func (n or) match(p *capture.Packet, s Subject) bool  { return n.a.match(p, s) || n.b.match(p, s) }
func (n not) match(p *capture.Packet, s Subject) bool { return !n.a.match(p, s) }
func (n always) match(*capture.Packet, Subject) bool  { return bool(n) }
func (n not) emit(a *assembler, yes, no label)        { n.a.emit(a, no, yes) }
func (n and) String() string                          { return "(" + n.a.String() + " and " + n.b.String() + ")" }

func (n or) String() string  { return "(" + n.a.String() + " or " + n.b.String() + ")" }
func (n not) String() string { return "not " + n.a.String() }

func (n always) String() string {
	if n {
		return "greater 0"
	}
	return "not greater 0"
}

func (n and) emit(a *assembler, yes, no label) {
	second := a.label()
	n.a.emit(a, second, no)
	a.place(second)
	n.b.emit(a, yes, no)
}

func (n or) emit(a *assembler, yes, no label) {
	second := a.label()
	n.a.emit(a, yes, second)
	a.place(second)
	n.b.emit(a, yes, no)
}

func (n always) emit(a *assembler, yes, no label) {
	if n {
		a.jump(yes)
	} else {
		a.jump(no)
	}
}

// bound returns what a packet alone can decide of n. With above it matches wherever
// n may match, without it only where n must: not turns one into the other.
func bound(n node, above bool) node {
	switch n := n.(type) {
	case and:
		return both(bound(n.a, above), bound(n.b, above))
	case or:
		return either(bound(n.a, above), bound(n.b, above))
	case not:
		return negate(bound(n.a, !above))
	case talkTerm:
		return always(above)
	}
	return n
}

// both is and, without what is always so.
func both(a, b node) node {
	switch {
	case a == always(true) || b == always(false):
		return b
	case b == always(true) || a == always(false):
		return a
	}
	return and{a, b}
}

// either is or, without what is always so.
func either(a, b node) node {
	switch {
	case a == always(false) || b == always(true):
		return b
	case b == always(false) || a == always(true):
		return a
	}
	return or{a, b}
}

// negate is not, without a double one.
func negate(n node) node {
	switch n := n.(type) {
	case always:
		return !n
	case not:
		return n.a
	}
	return not{n}
}

// walk calls f with n and every node below it.
func walk(n node, f func(node)) {
	f(n)
	switch n := n.(type) {
	case and:
		walk(n.a, f)
		walk(n.b, f)
	case or:
		walk(n.a, f)
		walk(n.b, f)
	case not:
		walk(n.a, f)
	}
}
