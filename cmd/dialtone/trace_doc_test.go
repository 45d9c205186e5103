package main

import (
	"flag"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"dialtone/observe/ladder"

	"github.com/google/go-cmp/cmp"
)

var updateDoc = flag.Bool("update-doc", false, "write what trace prints into README.md and doc/trace.md")

// shown finds a block of a page that shows a run of trace on one of the captures. A
// line with nothing but … stands for lines that are left out.
var shown = regexp.MustCompile("(?ms)^```\n\\$ dialtone (trace testdata/[^\n]*)\n(.*?)^```$")

// TestDocShowsWhatTracePrints runs what the pages show.
func TestDocShowsWhatTracePrints(t *testing.T) {
	runs := 0
	for _, page := range []string{"README.md", "doc/trace.md"} {
		text, err := os.ReadFile("../../" + page)
		if err != nil {
			t.Fatal(err)
		}
		fresh := shown.ReplaceAllFunc(text, func(block []byte) []byte {
			runs++
			m := shown.FindSubmatch(block)
			command, want := string(m[1]), string(m[2])
			got := printed(t, command)
			if !matches(strings.Split(want, "\n"), strings.Split(got, "\n")) {
				if *updateDoc && !strings.Contains(want, "…\n") {
					return []byte("```\n$ dialtone " + command + "\n" + got + "```")
				}
				t.Errorf("%s: dialtone %s:\n%s", page, command, cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")))
			}
			return block
		})
		if string(fresh) != string(text) {
			if err := os.WriteFile("../../"+page, fresh, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	if runs < 5 {
		t.Errorf("%d runs are shown", runs)
	}
}

// printed is what a command line prints in the folder of the pages.
func printed(t *testing.T, command string) string {
	t.Helper()
	cmd := exec.Command("dialtone", strings.Fields(command)...)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "TZ=UTC", "LC_ALL=C.UTF-8", "GORACE="+raceOptions)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("dialtone %s: %v: %s", command, err, out)
	}
	return string(out)
}

// matches reports whether got is want, where a line … is any lines.
func matches(want, got []string) bool {
	for i, line := range want {
		if line != "…" {
			if i >= len(got) || got[i] != line {
				return false
			}
			continue
		}
		for skip := i; skip <= len(got); skip++ {
			if matches(want[i+1:], got[skip:]) {
				return true
			}
		}
		return false
	}
	return len(want) == len(got)
}

// TestDocHasEveryLabel, each on a line of its own.
func TestDocHasEveryLabel(t *testing.T) {
	page, err := os.ReadFile("../../doc/trace.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range ladder.LabelWords() {
		if !strings.Contains(string(page), "\n| `"+word+"` | ") {
			t.Errorf("doc/trace.md does not have the label %s", word)
		}
	}
}
