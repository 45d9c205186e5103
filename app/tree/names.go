package tree

import (
	"encoding/base32"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"unicode/utf8"

	"dialtone/app/digest"
)

// Names that arrive are somebody else's: CheckPath lets only those through that
// mean one thing below the target and nothing else on any system we run on.

const (
	maxElement      = 255   // bytes in a name: ext4, xfs, APFS; NTFS counts 255 of its own units
	defaultMaxPath  = 4096  // bytes in a path
	defaultMaxDepth = 1024  // elements in a path
	maxCandidates   = 10000 // "name (2)", "name (3)" … up to here
)

// hidden is how every name begins that the target makes for itself.
const hidden = ".dialtone-"

// PathError says which rule a path breaks.
type PathError struct {
	Path string
	Rule string // what is not allowed
}

func (e *PathError) Error() string { return fmt.Sprintf("path %q is not allowed: %s", e.Path, e.Rule) }

// CheckPath returns a *PathError unless path is what an Entry may be called: one
// or more elements with single slashes between them, none at either end; no
// element is empty, "." or "..", holds a zero byte, is longer than 255 bytes or
// begins with ".dialtone-" in any case. On Windows an element must also be a name
// there: no separators, colons or other reserved characters, no control bytes,
// no device's name, no dot or space at its end, valid UTF-8. Elsewhere control
// bytes and invalid UTF-8 are names like any other.
func CheckPath(path string) error {
	if rule := pathRule(path, runtime.GOOS == "windows"); rule != "" {
		return &PathError{path, rule}
	}
	return nil
}

// pathRule returns the rule that path breaks, or "".
func pathRule(path string, windows bool) string {
	switch {
	case path == "":
		return "it is empty"
	case path[0] == '/':
		return "it is absolute"
	case path[len(path)-1] == '/':
		return "it ends in a slash"
	}
	for rest, more := path, true; more; {
		var element string
		element, rest, more = strings.Cut(rest, "/")
		if rule := elementRule(element); rule != "" {
			return rule
		}
		if windows {
			if rule := windowsRule(element); rule != "" {
				return rule
			}
		}
	}
	return ""
}

func elementRule(element string) string {
	switch {
	case element == "":
		return "an element is empty"
	case element == ".", element == "..":
		return "an element is " + strconv.Quote(element)
	case len(element) > maxElement:
		return "an element is longer than 255 bytes"
	case strings.IndexByte(element, 0) >= 0:
		return "it holds a zero byte"
	case isHidden(element):
		return "names that begin with " + hidden + " are the receiver's own"
	}
	return ""
}

// isHidden reports whether element is a name of the target's own, in any case,
// because some file systems do not tell cases apart.
func isHidden(element string) bool {
	return len(element) >= len(hidden) && strings.EqualFold(element[:len(hidden)], hidden)
}

// windowsRule returns what keeps element from being a plain name on Windows
// (learn.microsoft.com, "Naming Files, Paths, and Namespaces").
func windowsRule(element string) string {
	switch last := element[len(element)-1]; {
	case last == '.', last == ' ':
		return "Windows drops a dot or space at the end of a name"
	case strings.ContainsAny(element, `\:<>"|?*`):
		return `Windows has no \ : < > " | ? * in names`
	case strings.ContainsFunc(element, func(r rune) bool { return r < ' ' }):
		return "Windows has no control characters in names"
	case !utf8.ValidString(element):
		return "Windows needs valid UTF-8"
	case isDevice(element):
		return "it is a device's name on Windows"
	}
	return ""
}

// isDevice reports whether Windows takes element for a device, with whatever
// extension: CON, PRN, AUX, NUL, CONIN$, CONOUT$, COM0–9, LPT0–9 (superscript
// digits count too).
func isDevice(element string) bool {
	stem, _, _ := strings.Cut(element, ".")
	stem = strings.ToUpper(strings.TrimRight(stem, " "))
	switch stem {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	if len(stem) < 4 || (stem[:3] != "COM" && stem[:3] != "LPT") {
		return false
	}
	switch stem[3:] {
	case "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "¹", "²", "³":
		return true
	}
	return false
}

// candidate returns what a newcomer called name is called when k-1 others hold
// the names before: "name (2).ext". A folder's name is not cut at its dot.
func candidate(name string, k int, folder bool) string {
	if k < 2 {
		return name
	}
	stem, ext := name, ""
	if dot := strings.LastIndexByte(name, '.'); dot > 0 && !folder {
		if tar := strings.TrimSuffix(name[:dot], ".tar"); tar != "" {
			dot = len(tar)
		}
		stem, ext = name[:dot], name[dot:]
	}
	mark := " (" + strconv.Itoa(k) + ")"
	if len(ext) > maxElement/2 {
		stem, ext = name, ""
	}
	if most := maxElement - len(mark) - len(ext); len(stem) > most {
		for most > 0 && !utf8.RuneStart(stem[most]) {
			most--
		}
		stem = stem[:most]
	}
	return stem + mark + ext
}

var partialCode = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// hiddenName returns the name of a partial ("part") or of its journal
// ("journal") for a file called name. The number tells receivers apart that
// write the same name at the same time; the first is 1.
func hiddenName(name string, number int, what string) string {
	sum := digest.Of([]byte(name))
	stem := hidden + partialCode.EncodeToString(sum[:10])
	if number > 1 {
		stem += "-" + strconv.Itoa(number)
	}
	return stem + "." + what
}
