package filter

import (
	"context"
	"slices"
	"strings"
)

// Bounds of an expression, so that its program fits into the kernel's 4096
// instructions and its tree onto the stack.
const (
	maxWords = 2048
	maxDepth = 64
)

// parser reads words from left to right:
//
//	expression = unit { ("and" | "or") unit }
//	unit       = "not" unit | "(" expression ")" | term | value
//	term       = qualifiers values
//	values     = value | "(" values { ("and" | "or") values } ")" | "not" values
//
// A value without qualifiers takes those of the term before it.
type parser struct {
	Config
	ctx   context.Context
	words []word
	at    int
	end   int // length of the expression in bytes
	depth int
	last  *qualifiers // of the term before, nil where there is none
	names bool        // look names up; else they stand for no address
}

// all reads the whole expression: once to see that it is one, and again to look the
// names up that are in it.
func (p *parser) all() (root node, err error) {
	if len(p.words) > maxWords {
		return nil, p.fault(p.words[maxWords], "an expression has at most 2048 words")
	}
	if len(p.words) == 0 {
		return always(true), nil
	}
	for _, p.names = range []bool{false, true} {
		p.at, p.last = 0, nil
		if root, err = p.expression(p.unit); err != nil {
			return nil, err
		}
		if w, ok := p.peek(); ok {
			return nil, p.fault(w, unexpected(w))
		}
	}
	return root, nil
}

// unexpected says what should stand where a whole expression has a word behind it.
func unexpected(w word) string {
	if w.operator() == ")" {
		return "no ( is open"
	}
	return "expected and, or, or the end"
}

// expression joins units, or values, with and and or.
func (p *parser) expression(unit func() (node, error)) (node, error) {
	n, err := unit()
	for err == nil {
		w, _ := p.peek()
		op := w.operator()
		if op != "and" && op != "or" {
			return n, nil
		}
		p.at++
		var next node
		if next, err = unit(); op == "and" {
			n = and{n, next}
		} else {
			n = or{n, next}
		}
	}
	return nil, err
}

func (p *parser) unit() (node, error) {
	w, ok := p.peek()
	switch op := w.operator(); {
	case !ok:
		return nil, p.fault(w, "expected a term such as host, port or tcp")
	case op == "not" || op == "(":
		return p.nested(op, p.unit)
	case op != "":
		return nil, p.fault(w, "expected a term such as host, port or tcp")
	case !w.plain && slices.Contains(talkWords, w.text):
		return p.talk()
	}
	return p.term()
}

// nested reads what is behind not, or between parentheses.
func (p *parser) nested(op string, unit func() (node, error)) (node, error) {
	open := p.words[p.at]
	if p.depth++; p.depth > maxDepth {
		return nil, p.fault(open, "nested too deep: at most 64 levels")
	}
	defer func() { p.depth-- }()
	p.at++
	if op == "not" {
		n, err := unit()
		return not{n}, err
	}
	n, err := p.expression(unit)
	if err != nil {
		return nil, err
	}
	switch w, ok := p.peek(); {
	case !ok:
		return nil, p.fault(open, "this ( is not closed")
	case w.operator() != ")":
		return nil, p.fault(w, "expected and, or, or )")
	}
	p.at++
	return n, nil
}

// peek returns the next word, or false at the end.
func (p *parser) peek() (word, bool) {
	if p.at < len(p.words) {
		return p.words[p.at], true
	}
	return word{offset: p.end}, false
}

// take moves on if the next word is one of list, and returns it.
func (p *parser) take(list ...string) (string, bool) {
	w, ok := p.peek()
	if !ok || w.plain || !slices.Contains(list, w.text) {
		return "", false
	}
	p.at++
	return w.text, true
}

// value takes the next word as the value of what.
func (p *parser) value(what string) (word, error) {
	w, ok := p.peek()
	if !ok || w.operator() != "" {
		return w, p.fault(w, "expected "+what)
	}
	p.at++
	return w, nil
}

func (p *parser) fault(w word, rule string) error {
	return &Error{Word: w.text, Offset: w.offset, Rule: rule}
}

// unknown says that w is none of list, and which one it may have been meant to be.
func (p *parser) unknown(w word, what string, list []string) error {
	if s := similar(strings.ToLower(w.text), list); s != "" {
		return p.fault(w, "not "+what+"; did you mean "+s+"?")
	}
	return p.fault(w, "not "+what+": there are "+strings.Join(list, ", "))
}
