package screen

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"dialtone/app/escape"
	"dialtone/observe/grammar"
	"dialtone/observe/sockets"

	"github.com/charmbracelet/x/ansi"
)

// prompt is the line in which a filter is typed.
type prompt struct {
	open   bool
	text   []rune
	at     int // the cursor
	err    error
	names  bool // the text has names that would be looked up
	asking bool // they are being looked up

	before *sockets.Filter // what Esc brings back
	said   string          // its text
}

// key edits the line; it reports whether the text has changed.
func (p *prompt) key(name, typed string) bool {
	switch name {
	case "left", "ctrl+b":
		p.at = max(p.at-1, 0)
	case "right", "ctrl+f":
		p.at = min(p.at+1, len(p.text))
	case "home", "ctrl+a":
		p.at = 0
	case "end", "ctrl+e":
		p.at = len(p.text)
	case "backspace":
		return p.cut(p.at-1, p.at)
	case "delete", "ctrl+d":
		return p.cut(p.at, p.at+1)
	case "ctrl+u":
		return p.cut(0, p.at)
	case "ctrl+k":
		return p.cut(p.at, len(p.text))
	case "ctrl+w":
		return p.cut(p.word(), p.at)
	default:
		return p.insert(typed)
	}
	return false
}

// word is where the word before the cursor begins.
func (p *prompt) word() int {
	i := p.at
	for i > 0 && p.text[i-1] == ' ' {
		i--
	}
	for i > 0 && p.text[i-1] != ' ' {
		i--
	}
	return i
}

func (p *prompt) cut(from, to int) bool {
	if from < 0 || to > len(p.text) || from == to {
		return false
	}
	p.text = append(p.text[:from:from], p.text[to:]...)
	p.at = from
	return true
}

// insert puts in what was typed or pasted, as far as it can be seen.
func (p *prompt) insert(typed string) bool {
	const longest = 1000
	var more []rune
	for _, r := range strings.ReplaceAll(typed, "\n", " ") {
		if unicode.IsPrint(r) {
			more = append(more, r)
		}
	}
	if len(more) == 0 || len(p.text)+len(more) > longest {
		return false
	}
	p.text = append(p.text[:p.at:p.at], append(more, p.text[p.at:]...)...)
	p.at += len(more)
	return true
}

// line draws the line, with what is wrong in it underlined, and says in which column the
// cursor is: of a text that has no room, the part around the cursor.
func (p *prompt) line(width int) (text string, cursor int) {
	const begin = "filter: "
	room := max(width-len(begin)-1, 1)
	head, start := p.text[:p.at], 0
	for ansi.StringWidth(string(head[start:])) > room {
		start++
	}
	from, to := p.wrong()
	from, to = max(from, start), max(to, start)
	text = begin + string(p.text[start:from]) + paint(inkWrong, string(p.text[from:to])) + string(p.text[to:])
	return ansi.Truncate(text, len(begin)+room, ""), len(begin) + ansi.StringWidth(string(head[start:]))
}

// wrong is which part of the text cannot stand there.
func (p *prompt) wrong() (from, to int) {
	var e *grammar.Error
	if !errors.As(p.err, &e) {
		return 0, 0
	}
	text := string(p.text)
	from = utf8.RuneCountInString(text[:min(e.Offset, len(text))])
	return from, min(from+utf8.RuneCountInString(e.Word), len(p.text))
}

// mistake says what is wrong, without where: that is to be seen.
func (p *prompt) mistake() string {
	var e *grammar.Error
	switch {
	case !errors.As(p.err, &e):
		return escape.String(p.err.Error())
	case e.Word == "" || e.Err != nil:
		return escape.String(strings.TrimPrefix(p.err.Error(), "filter, "))
	}
	return escape.String(e.Word) + ": " + e.Rule
}
