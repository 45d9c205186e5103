package report

import (
	"os"
	"path/filepath"
	"testing"
)

func TestGridAlignsByCharacters(t *testing.T) {
	got := Grid([][]string{{"µs", "who"}, {"1.25", "é"}})
	if want := "| µs   | who |\n| ---- | --- |\n| 1.25 | é   |\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestVerdicts(t *testing.T) {
	for _, test := range []struct{ got, want string }{
		{AtLeast(5, 4, "M"), "met: 5.00 M of 4.00"},
		{AtLeast(3, 4, "M"), "missed by 25 %: 3.00 M of 4.00"},
		{AtLeast(3.999, 4, "M"), "missed by 1 %: 4.00 M of 4.00"},
		{AtLeast(0, 4, "M"), NotMeasured},
		{AtMost(12.34, 100, "ms"), "met: 12.3 ms, 100 allowed"},
		{AtMost(150, 100, "ms"), "missed by 50 %: 150 ms, 100 allowed"},
		{AtMost(0, 100, "ms"), NotMeasured},
		{Thousands(1234567), "1,234,567"},
		{Thousands(12), "12"},
	} {
		if test.got != test.want {
			t.Errorf("%q, want %q", test.got, test.want)
		}
	}
}

func TestInsertKeepsTheRest(t *testing.T) {
	const begin, end = "<!-- tables of make x: begin -->\n", "<!-- tables of make x: end -->\n"
	path := filepath.Join(t.TempDir(), "page.md")
	os.WriteFile(path, []byte("above\n"+begin+"old\n"+end+"below\n"), 0o644)
	if err := Insert(path, "make x", "new\n"); err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(path)
	if want := "above\n" + begin + "\nnew\n" + end + "below\n"; string(got) != want {
		t.Errorf("%q, want %q", got, want)
	}
	if err := Insert(path, "make y", "new"); err == nil {
		t.Error("a page without marks for it")
	}
}
