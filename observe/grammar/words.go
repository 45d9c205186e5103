package grammar

import (
	"fmt"
	"slices"
	"strings"
)

// An Error says what is wrong with an expression, and where.
type Error struct {
	Word   string // the word that cannot stand there; empty for the end of the expression
	Offset int    // of the word, in bytes
	Rule   string // what is wrong with it, or what was expected
	Err    error  // what a look-up said, or nil
}

func (e *Error) Error() string {
	text := "filter, at its end: " + e.Rule
	if e.Word != "" {
		text = fmt.Sprintf("filter, byte %d, %q: %s", e.Offset, e.Word, e.Rule)
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

// Word is a word of an expression.
type Word struct {
	Text   string
	Offset int  // in the expression, in bytes
	Plain  bool // a backslash before it says that it is a value, not one of the language's words
}

// split cuts an expression into words. Parentheses and operators need no space
// around them.
func split(text string) (list []Word) {
	for at := 0; at < len(text); {
		rest := text[at:]
		n := 1
		switch {
		case strings.IndexByte(spaces, rest[0]) >= 0:
			at++
			continue
		case strings.HasPrefix(rest, "&&"), strings.HasPrefix(rest, "||"):
			n = 2
		case strings.IndexByte("()!", rest[0]) < 0:
			n = wordEnd(rest)
		}
		w := Word{Text: rest[:n], Offset: at}
		if w.Text, w.Plain = strings.CutPrefix(w.Text, `\`); w.Plain && w.Text == "" {
			w.Text, w.Plain = `\`, false
		}
		list = append(list, w)
		at += n
	}
	return list
}

const spaces = " \t\r\n"

// wordEnd returns how long the word at the start of text is.
func wordEnd(text string) int {
	n := strings.IndexAny(text, spaces+"()!")
	if n < 0 {
		n = len(text)
	}
	for _, op := range []string{"&&", "||"} {
		if i := strings.Index(text[:n], op); i > 0 {
			n = i
		}
	}
	return n
}

// Operator returns the word's meaning as one: "and", "or", "not", "(", ")" or "".
func (w Word) Operator() string {
	switch {
	case w.Plain:
		return ""
	case w.Text == "&&":
		return "and"
	case w.Text == "||":
		return "or"
	case w.Text == "!":
		return "not"
	case slices.Contains([]string{"and", "or", "not", "(", ")"}, w.Text):
		return w.Text
	}
	return ""
}

// similar returns the one of list that word was likely meant to be, or "".
func similar(word string, list []string) string {
	best, least := "", 3
	for _, l := range list {
		if d := distance(word, l); d < least && d < len(l)-1 {
			best, least = l, d
		}
	}
	return best
}

// distance counts the letters to add, drop, change or swap between a and b. Words
// longer than any of the language's are far from all of them.
func distance(a, b string) int {
	if len(a) > 32 {
		return len(a)
	}
	prev2, prev := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(prev[j+1]+1, next[j]+1, prev[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], prev2[j-1]+1)
			}
		}
		prev2, prev = prev, next
	}
	return prev[len(b)]
}
