package pairing

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// minCode is how short a code may be that is not of NewCode's shape.
const minCode = 8

// NewCode returns a one-time code such as "7-copper-lantern": a number from 1 to 99
// and two words from lists of 512, 24.6 bits, all equally likely. With three tries
// who guesses succeeds once in 8.6 million times.
func NewCode() string {
	return fmt.Sprintf("%d-%s-%s", 1+uniform(99), firstWords[uniform(len(firstWords))], secondWords[uniform(len(secondWords))])
}

func uniform(n int) int {
	i, err := rand.Int(rand.Reader, big.NewInt(int64(n))) // by rejection: no bias
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	return int(i.Int64())
}

// codeShape is NewCode's, however it was typed.
var codeShape = regexp.MustCompile(`^([0-9]{1,2})[\s_.-]*([a-zA-Z]+)[\s_.-]+([a-zA-Z]+)$`)

// ParseCode returns s as a code in its one form. In a code of NewCode's shape case
// and separators do not matter, and a word with one letter wrong, missing, too much
// or swapped with the next becomes the only word of the list that it can be: note
// then says so, in words for a person.
//
// Any other text of at least 8 characters, without the blanks around it, is a code
// as it stands. So is one of the shape with two words that no list has.
func ParseCode(s string) (code, note string, err error) {
	s = strings.TrimSpace(s)
	if m := codeShape.FindStringSubmatch(s); m != nil {
		code, note, err = parseShape(m[1], strings.ToLower(m[2]), strings.ToLower(m[3]))
		if code != "" || err != nil {
			return code, note, err
		}
	}
	if len([]rune(s)) < minCode {
		return "", "", fmt.Errorf("a code is a number and two words, such as 7-copper-lantern, or at least %d characters: %q is neither", minCode, s)
	}
	if strings.ContainsFunc(s, unicode.IsControl) {
		return "", "", errors.New("a code has one line and no control characters")
	}
	return s, "", nil
}

// parseShape returns "" if neither word is of its list.
func parseShape(number, first, second string) (code, note string, err error) {
	a, b := nearest(firstWords[:], first), nearest(secondWords[:], second)
	switch {
	case a == "" && b == "":
		return "", "", nil
	case a == "":
		return "", "", fmt.Errorf("no code has the word %q in its first place", first)
	case b == "":
		return "", "", fmt.Errorf("no code has the word %q in its second place", second)
	}
	n, _ := strconv.Atoi(number)
	if n == 0 {
		return "", "", errors.New("no code has the number 0")
	}
	var changes []string
	for _, w := range [][2]string{{first, a}, {second, b}} {
		if w[0] != w[1] {
			changes = append(changes, fmt.Sprintf("%q taken for %q", w[0], w[1]))
		}
	}
	return fmt.Sprintf("%d-%s-%s", n, a, b), strings.Join(changes, ", "), nil
}

// nearest returns the word of the list that w is, or the only one that is a single
// slip away, or "".
func nearest(list []string, w string) string {
	if _, ok := slices.BinarySearch(list, w); ok {
		return w
	}
	found := ""
	for _, c := range list {
		if oneSlip(c, w) {
			if found != "" {
				return ""
			}
			found = c
		}
	}
	return found
}

// oneSlip says whether a becomes b by one letter changed, left out or put in, or by
// two neighbours swapped.
func oneSlip(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	if i == len(a) {
		return false // the same
	}
	if a[i+1:] == b[i+1:] {
		return true
	}
	return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}
