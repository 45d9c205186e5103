package ladder

import (
	"errors"
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

// captures are the recorded exchanges, by their names.
func captures(t testing.TB) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../../testdata/captures/*.pcapng")
	if err = errors.Join(err, missing(files)); err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for _, f := range append(files, extra()...) {
		names[strings.TrimSuffix(filepath.Base(f), ".pcapng")] = f
	}
	return names
}

func missing(files []string) error {
	if len(files) == 0 {
		return errors.New("testdata/captures has no captures")
	}
	return nil
}

// extra are captures of a person who wants to see pictures of them.
func extra() []string { return filepath.SplitList(os.Getenv("DIALTONE_CAPTURES")) }
