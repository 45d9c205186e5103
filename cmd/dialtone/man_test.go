package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// TestManPages builds the generator, which the tag man makes of the command, and
// finds every verb and every flag in what it writes.
func TestManPages(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command("go", "run", "-tags", "man", ".", dir).CombinedOutput(); err != nil {
		t.Fatalf("go run -tags man: %v\n%s", err, out)
	}
	for _, cmd := range append(verbs(), newRoot()) {
		name := strings.ReplaceAll("dialtone "+cmd.Name(), " ", "-")
		if cmd.Name() == "dialtone" {
			name = "dialtone"
		}
		page, err := os.ReadFile(filepath.Join(dir, name+".1"))
		if err != nil {
			t.Error(err)
			continue
		}
		text := string(page)
		if !strings.Contains(text, cmd.Short) {
			t.Errorf("%s.1 does not say %q", name, cmd.Short)
		}
		if strings.Contains(text, "`") {
			t.Errorf("%s.1 has a backquote in it", name)
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !strings.Contains(text, `--`+f.Name+`\fP`) {
				t.Errorf("%s.1 has no --%s", name, f.Name)
			}
		})
	}
}
