package pairing_test

import (
	"regexp"
	"strings"
	"testing"

	"dialtone/app/pairing"

	"pgregory.net/rapid"
)

func TestNewCodesAreCodes(t *testing.T) {
	shape := regexp.MustCompile(`^[1-9][0-9]?-[a-z]{3,8}-[a-z]{3,8}$`)
	seen := map[string]int{}
	for range 1000 {
		c := pairing.NewCode()
		if !shape.MatchString(c) {
			t.Fatalf("%q", c)
		}
		if got, note, err := pairing.ParseCode(c); got != c || note != "" || err != nil {
			t.Fatalf("%q is parsed as %q, %q, %v", c, got, note, err)
		}
		seen[c]++
	}
	if len(seen) < 990 { // 1000 of 25,952,256: expect 0.02 twice
		t.Errorf("%d different of 1000", len(seen))
	}
}

func TestCodesAreForgiving(t *testing.T) {
	for in, want := range map[string]string{
		"7-copper-lantern":     "7-copper-lantern",
		" 7 Copper LANTERN\n":  "7-copper-lantern",
		"07_copper__lantern":   "7-copper-lantern",
		"7copper.lantern":      "7-copper-lantern",
		"7-coper-lantern":      "7-copper-lantern", // left out
		"7-coppper-lantern":    "7-copper-lantern", // too much
		"7-copper-lamtern":     "7-copper-lantern", // wrong
		"7-copper-lantenr":     "7-copper-lantern", // swapped
		"correct horse 12":     "correct horse 12",
		"  Pass-Phrase  ":      "Pass-Phrase",
		"7-xyzzyx-qwertyuiop":  "7-xyzzyx-qwertyuiop",
		"100-copper-lantern":   "100-copper-lantern",
		"7-copper-lantern-box": "7-copper-lantern-box",
	} {
		got, note, err := pairing.ParseCode(in)
		if got != want || err != nil {
			t.Errorf("%q: %q, %v", in, got, err)
		}
		changed := strings.Contains(in, "coper") || strings.Contains(in, "coppper") || strings.Contains(in, "lamtern") || strings.Contains(in, "lantenr")
		if (note != "") != changed {
			t.Errorf("%q: note %q", in, note)
		}
	}
}

func TestWhatIsNoCode(t *testing.T) {
	for in, says := range map[string]string{
		"":                   "7-copper-lantern",
		"seven":              "at least 8",
		"  1234567  ":        "at least 8",
		"7-copper-qwertyuio": `"qwertyuio"`,
		"7-xyzzyx-lantern":   `"xyzzyx"`,
		"0-copper-lantern":   "number 0",
		"two\nlines here":    "control",
	} {
		if c, _, err := pairing.ParseCode(in); err == nil || c != "" || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %q, %v", in, c, err)
		}
	}
}

func TestParsingTwiceChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.StringMatching(`[0-9]{1,2}[ _.-]{0,2}[a-z]{3,8}[ _-]{1,2}[a-z]{3,8}`)).Draw(t, "s")
		c, _, err := pairing.ParseCode(s)
		if err != nil {
			return
		}
		if again, note, err := pairing.ParseCode(c); again != c || note != "" || err != nil {
			t.Fatalf("%q → %q → %q, %q, %v", s, c, again, note, err)
		}
	})
}

// TestOneSlipNeverLeadsToAnotherCode changes one letter of a code: it is repaired
// or refused or kept as it stands, never another code of the lists without a note.
func TestOneSlipNeverLeadsToAnotherCode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := pairing.NewCode()
		at := rapid.IntRange(strings.IndexByte(want, '-')+1, len(want)-1).Draw(t, "at")
		if want[at] == '-' {
			return
		}
		slip := []byte(want)
		slip[at] = byte(rapid.IntRange('a', 'z').Draw(t, "letter"))
		if got, note, err := pairing.ParseCode(string(slip)); err == nil && got != want && note == "" {
			t.Fatalf("%q for %q is %q", slip, want, got)
		}
	})
}

func FuzzParseCode(f *testing.F) {
	for _, s := range []string{"", "7-copper-lantern", "7 coper lantern", "correct horse battery", "99-\xff-x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, note, err := pairing.ParseCode(s)
		if (c == "") != (err != nil) || (note != "" && err != nil) {
			t.Fatalf("%q: %q, %q, %v", s, c, note, err)
		}
	})
}
