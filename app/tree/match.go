package tree

import (
	"bytes"
	"fmt"
	"path"
	"strings"
)

// rules are the patterns of one list, in order. See SourceOptions.
type rules []rule

// rule is one pattern, an element for each name of a path. The element "**" is
// any number of names.
type rule struct {
	elements   []string
	literal    []bool // the element has nothing special
	not        bool
	folderOnly bool
}

const anyDepth = "**"

// parseRules understands patterns; what names the list in errors.
func parseRules(what string, patterns []string) (rules, error) {
	var list rules
	for _, p := range patterns {
		r, err := parseRule(p)
		if err != nil {
			return nil, fmt.Errorf("%s pattern %q: %w", what, p, err)
		}
		list = append(list, r)
	}
	return list, nil
}

func parseRule(p string) (r rule, err error) {
	p, r.not = strings.CutPrefix(p, "!")
	p, r.folderOnly = strings.CutSuffix(p, "/")
	p, anchored := strings.CutPrefix(p, "/")
	if p == "" {
		return r, fmt.Errorf("is empty")
	}
	if !anchored && !strings.Contains(p, "/") {
		p = anyDepth + "/" + p
	}
	for e := range strings.SplitSeq(p, "/") {
		if e, err = parseElement(e); err != nil {
			return r, err
		}
		r.elements = append(r.elements, e)
		r.literal = append(r.literal, !strings.ContainsAny(e, `*?[\`))
	}
	if last := len(r.elements) - 1; r.elements[last] == anyDepth { // what is inside, not the folder itself
		r.elements = append(r.elements, "*")
		r.literal = append(r.literal, false)
	}
	return r, nil
}

// parseElement returns e as package path understands it.
func parseElement(e string) (string, error) {
	switch e {
	case "":
		return "", fmt.Errorf("has two slashes in a row")
	case ".", "..":
		return "", fmt.Errorf("has the element %s, which no name is", e)
	case anyDepth:
		return e, nil
	}
	b := []byte(e)
	for i := 1; i < len(b); i++ {
		switch {
		case b[i-1] == '\\':
			i++ // a literal
		case b[i-1] == '[' && b[i] == '!':
			b[i] = '^'
		}
	}
	_, err := path.Match(string(b), "")
	return string(b), err
}

// match reports what the last rule says that matches name, slash-separated from
// the root's folder, or otherwise when none does.
func (l rules) match(name []byte, isFolder, otherwise bool) bool {
	if len(l) == 0 {
		return otherwise
	}
	for i := len(l) - 1; i >= 0; i-- {
		if r := &l[i]; (isFolder || !r.folderOnly) && r.matches(name) {
			return !r.not
		}
	}
	return otherwise
}

// matches goes through elements and names side by side. After a "**" that does
// not fit, one more name is given to the last "**": an earlier one need not
// change, as it has taken as little as it could.
func (r *rule) matches(name []byte) bool {
	at, rest := 0, name
	retry, retryRest, canRetry := 0, []byte(nil), false
	for {
		switch {
		case at == len(r.elements) && rest == nil:
			return true
		case at < len(r.elements) && r.elements[at] == anyDepth:
			at++
			retry, retryRest, canRetry = at, rest, true
			continue
		case at < len(r.elements) && rest != nil:
			first, more := cutName(rest)
			if r.fits(at, first) {
				at, rest = at+1, more
				continue
			}
		}
		if !canRetry || retryRest == nil {
			return false
		}
		_, retryRest = cutName(retryRest)
		at, rest = retry, retryRest
	}
}

func (r *rule) fits(at int, name []byte) bool {
	if r.literal[at] {
		return string(name) == r.elements[at]
	}
	ok, err := path.Match(r.elements[at], string(name))
	return ok && err == nil
}

// cutName returns the first name of a path and the rest, which is nil at the end.
func cutName(p []byte) (first, rest []byte) {
	first, rest, ok := bytes.Cut(p, []byte("/"))
	if !ok {
		return first, nil
	}
	return first, rest
}
