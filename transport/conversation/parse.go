package conversation

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"time"
)

// Parse reads the conversations of a file. An error names the line.
func Parse(file, text string) ([]*Script, error) {
	r := reader{file: file}
	for line := range strings.SplitSeq(text, "\n") {
		r.number++
		if err := r.line(line); err != nil {
			return nil, fmt.Errorf("%s:%d: %q: %w", file, r.number, strings.TrimSpace(line), err)
		}
	}
	return r.scripts, nil
}

// A reader reads a file line by line.
type reader struct {
	file    string
	number  int
	scripts []*Script
	only    Where // of the line before
}

func (r *reader) line(text string) error {
	text, comment, _ := strings.Cut(text, "#")
	text = strings.TrimSpace(text)
	name, head := strings.CutPrefix(text, "== ")
	switch {
	case text == "":
		return nil
	case head:
		return r.begin(strings.TrimSpace(name))
	case len(r.scripts) == 0:
		return fmt.Errorf("no conversation has begun: want == and its name")
	}
	s := r.scripts[len(r.scripts)-1]
	l := Line{Number: r.number}
	for _, where := range []Where{Ours, Linux} {
		rest, ok := strings.CutPrefix(text, string(where)+":")
		if !ok {
			continue
		}
		if len(strings.TrimSpace(comment)) < 10 && r.only == "" {
			return fmt.Errorf("a line for one end only needs a comment that says why")
		}
		l.Only, text = where, strings.TrimSpace(rest)
	}
	r.only = l.Only
	return s.line(l, text, comment)
}

func (r *reader) begin(name string) error {
	full := strings.TrimSuffix(path.Base(r.file), ".txt") + "/" + name
	for _, s := range r.scripts {
		if s.Name == full {
			return fmt.Errorf("a second conversation of that name")
		}
	}
	r.scripts = append(r.scripts, &Script{Name: full, File: r.file, NotOn: map[Where]string{}, given: map[Where]*Given{Ours: {}, Linux: {}}})
	return nil
}

// line adds a line, or what is given.
func (s *Script) line(l Line, text, comment string) (err error) {
	first, rest, _ := strings.Cut(text, " ")
	switch first {
	case "given":
		for where, g := range s.given {
			if l.Only == "" || l.Only == where {
				err = errors.Join(err, g.set(strings.Fields(rest)))
			}
		}
		return err
	case "never":
		if l.Only == "" {
			return fmt.Errorf("want ours: never or linux: never")
		}
		s.NotOn[l.Only] = strings.TrimSpace(comment)
		return nil
	case "established", "accepted":
		return s.handshake(l, first, rest)
	}
	if when, ok := strings.CutPrefix(first, "+"); ok {
		if l.After, l.Until, err = span(when); err != nil {
			return err
		}
		text = strings.TrimSpace(rest)
	}
	l.Text = text
	l.step, err = parseStep(text)
	s.Lines = append(s.Lines, l)
	return err
}

// span reads "40ms" or "40ms..200ms".
func span(text string) (from, to time.Duration, err error) {
	first, last, ok := strings.Cut(text, "..")
	if !ok {
		last = first
	}
	if from, err = time.ParseDuration(first); err != nil {
		return 0, 0, err
	}
	if to, err = time.ParseDuration(last); err != nil {
		return 0, 0, err
	}
	if from < 0 || to < from {
		return 0, 0, fmt.Errorf("time %s runs backwards", text)
	}
	return from, to, nil
}
