package ladder

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dialtone/observe/capture"
)

// captured returns the conversations of a capture file, as the command collects
// them. Their frames can be read until the test ends.
func captured(t testing.TB, file string) []*Talk {
	t.Helper()
	f, err := capture.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	c := NewCollector(f, 0)
	if err := Walk(NewPass(f, nil), c); err != nil {
		t.Fatal(err)
	}
	return c.Talks()
}

// recorded are the capture files of recorded exchanges, by their names; and those
// that a person wants to see pictures of, in the variable DIALTONE_CAPTURES.
func recorded(t testing.TB) map[string]string {
	t.Helper()
	files, err := filepath.Glob(captures + "*.pcapng")
	if err != nil || len(files) == 0 {
		t.Fatalf("no captures in %s (%v)", captures, err)
	}
	names := map[string]string{}
	for _, f := range append(files, filepath.SplitList(os.Getenv("DIALTONE_CAPTURES"))...) {
		names[strings.TrimSuffix(filepath.Base(f), ".pcapng")] = f
	}
	return names
}
