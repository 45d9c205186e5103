package grammar

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Bounds of an expression, so that what is made of it stays small.
const (
	maxWords = 2048
	maxDepth = 64
)

// Logic makes the nodes of type N that join others.
type Logic[N any] struct {
	And, Or func(a, b N) N
	Not     func(a N) N
}

// A Reader goes through the words of an expression from left to right.
type Reader[N any] struct {
	logic Logic[N]
	words []Word
	at    int
	end   int // length of the expression in bytes
	depth int
}

// NewReader cuts an expression into words.
func NewReader[N any](text string, logic Logic[N]) Reader[N] {
	return Reader[N]{logic: logic, words: split(text), end: len(text)}
}

// Empty reports whether the expression has no words.
func (r *Reader[N]) Empty() bool { return len(r.words) == 0 }

// All reads the whole expression, from its first word, of units that unit reads.
func (r *Reader[N]) All(unit func() (N, error)) (n N, err error) {
	if len(r.words) > maxWords {
		return n, r.Fault(r.words[maxWords], "an expression has at most 2048 words")
	}
	r.at = 0
	if n, err = r.Expression(unit); err != nil {
		return n, err
	}
	if w, ok := r.Peek(); ok {
		return n, r.Fault(w, unexpected(w))
	}
	return n, nil
}

// unexpected says what should stand where a whole expression has a word behind it.
func unexpected(w Word) string {
	if w.Operator() == ")" {
		return "no ( is open"
	}
	return "expected and, or, or the end"
}

// Expression joins units with and and or.
func (r *Reader[N]) Expression(unit func() (N, error)) (N, error) {
	n, err := unit()
	for err == nil {
		w, _ := r.Peek()
		op := w.Operator()
		if op != "and" && op != "or" {
			return n, nil
		}
		r.at++
		var next N
		if next, err = unit(); op == "and" {
			n = r.logic.And(n, next)
		} else {
			n = r.logic.Or(n, next)
		}
	}
	var none N
	return none, err
}

// Values reads a value of the same qualifiers by single, or several behind not or in
// parentheses.
func (r *Reader[N]) Values(single func() (N, error)) (N, error) {
	w, _ := r.Peek()
	if op := w.Operator(); op == "(" || op == "not" {
		return r.Nested(op, func() (N, error) { return r.Values(single) })
	}
	return single()
}

// Nested reads what is behind not, or between parentheses: op is the operator of the
// next word, "not" or "(".
func (r *Reader[N]) Nested(op string, unit func() (N, error)) (n N, err error) {
	open := r.words[r.at]
	if r.depth++; r.depth > maxDepth {
		return n, r.Fault(open, "nested too deep: at most 64 levels")
	}
	defer func() { r.depth-- }()
	r.at++
	if op == "not" {
		if n, err = unit(); err != nil {
			return n, err
		}
		return r.logic.Not(n), nil
	}
	if n, err = r.Expression(unit); err != nil {
		return n, err
	}
	switch w, ok := r.Peek(); {
	case !ok:
		return n, r.Fault(open, "this ( is not closed")
	case w.Operator() != ")":
		return n, r.Fault(w, "expected and, or, or )")
	}
	r.at++
	return n, nil
}

// Peek returns the next word, or false at the end.
func (r *Reader[N]) Peek() (Word, bool) {
	if r.at < len(r.words) {
		return r.words[r.at], true
	}
	return Word{Offset: r.end}, false
}

// Skip moves over a word; Back takes that back.
func (r *Reader[N]) Skip() { r.at++ }
func (r *Reader[N]) Back() { r.at-- }

// Take moves on if the next word is one of list, and returns it.
func (r *Reader[N]) Take(list ...string) (string, bool) {
	w, ok := r.Peek()
	if !ok || w.Plain || !slices.Contains(list, w.Text) {
		return "", false
	}
	r.at++
	return w.Text, true
}

// Value takes the next word as the value of what.
func (r *Reader[N]) Value(what string) (Word, error) {
	w, ok := r.Peek()
	if !ok || w.Operator() != "" {
		return w, r.Fault(w, "expected "+what)
	}
	r.at++
	return w, nil
}

// Integer takes the next word as a number from 0 to most.
func (r *Reader[N]) Integer(what string, most uint64) (int, error) {
	w, err := r.Value(what)
	if err != nil {
		return 0, err
	}
	n, perr := strconv.ParseUint(w.Text, 0, 64)
	if perr != nil || n > most {
		return 0, r.Fault(w, fmt.Sprintf("expected %s, from 0 to %d", what, most))
	}
	return int(n), nil
}

// Fault says what is wrong with w.
func (r *Reader[N]) Fault(w Word, rule string) error {
	return &Error{Word: w.Text, Offset: w.Offset, Rule: rule}
}

// Unknown says that w is none of list, and which one it may have been meant to be.
func (r *Reader[N]) Unknown(w Word, what string, list []string) error {
	if s := similar(strings.ToLower(w.Text), list); s != "" {
		return r.Fault(w, "not "+what+"; did you mean "+s+"?")
	}
	return r.Fault(w, "not "+what+": there are "+strings.Join(list, ", "))
}
