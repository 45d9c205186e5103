package filter

import (
	"context"
	"slices"

	"dialtone/observe/grammar"
)

// An Error says what is wrong with an expression, and where.
type Error = grammar.Error

// parser reads an expression. Beside what the grammar says of terms,
//
//	unit   = ... | term | value
//	term   = qualifiers values
//	values = value | "(" values { ("and" | "or") values } ")" | "not" values
//
// a value without qualifiers takes those of the term before it.
type parser struct {
	grammar.Reader[node]
	Config
	ctx   context.Context
	last  *qualifiers // of the term before, nil where there is none
	names bool        // look names up; else they stand for no address
}

// logic joins nodes.
var logic = grammar.Logic[node]{
	And: func(a, b node) node { return and{a, b} },
	Or:  func(a, b node) node { return or{a, b} },
	Not: func(a node) node { return not{a} },
}

// all reads the whole expression: once to see that it is one, and again to look the
// names up that are in it.
func (p *parser) all() (root node, err error) {
	if p.Empty() {
		return always(true), nil
	}
	for _, p.names = range []bool{false, true} {
		p.last = nil
		if root, err = p.All(p.unit); err != nil {
			return nil, err
		}
	}
	return root, nil
}

func (p *parser) unit() (node, error) {
	w, ok := p.Peek()
	switch op := w.Operator(); {
	case !ok:
		return nil, p.Fault(w, "expected a term such as host, port or tcp")
	case op == "not" || op == "(":
		return p.Nested(op, p.unit)
	case op != "":
		return nil, p.Fault(w, "expected a term such as host, port or tcp")
	case !w.Plain && slices.Contains(talkWords, w.Text):
		return p.talk()
	}
	return p.term()
}
