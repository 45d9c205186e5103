package host_test

import (
	"os"
	"strings"
	"testing"
)

// TestGuideIsWhatRuns: every piece of Go in doc/testing-with-dialtone.md stands, line
// by line, in a file that is compiled and run as a test.
func TestGuideIsWhatRuns(t *testing.T) {
	run := plainLines(t, "guide_test.go") + plainLines(t, "interop/guide_test.go")
	pieces := strings.Split(plainLines(t, "../doc/testing-with-dialtone.md"), "\n```go\n")
	if len(pieces) < 6 {
		t.Fatalf("%d pieces of Go", len(pieces)-1)
	}
	for _, p := range pieces[1:] {
		code, _, _ := strings.Cut(p, "```\n")
		if !strings.Contains(run, "\n"+code) {
			t.Errorf("nobody runs\n%s", code)
		}
	}
}

// plainLines is a file without the spaces that its lines begin and end with.
func plainLines(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var s strings.Builder
	for line := range strings.Lines(string(b)) {
		s.WriteString(strings.TrimSpace(line) + "\n")
	}
	return s.String()
}
