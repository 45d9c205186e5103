//go:build man

package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra/doc"
)

// With the build tag man the program writes the command's man pages instead of
// being the command: go run -tags man ./cmd/dialtone DIR. So the generator stays
// out of what people install.
func main() {
	dir := "man"
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	if err := writeManPages(dir); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(exitFailed)
	}
}

func writeManPages(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root := newRoot()
	root.DisableAutoGenTag = true
	for _, c := range root.Commands() {
		c.Long = indentedAsCode(c.Long)
	}
	return doc.GenManTree(root, &doc.GenManHeader{Title: "DIALTONE", Section: "1", Source: "dialtone"}, dir)
}

// indentedAsCode makes what is indented in a help text a block of its own: the
// generator reads Markdown, which would run its lines together.
func indentedAsCode(text string) string {
	var b strings.Builder
	code := false
	for line := range strings.Lines(text) {
		if was := code; line != "\n" {
			if code = strings.HasPrefix(line, "  "); code != was {
				b.WriteString("\n")
			}
		}
		if code && line != "\n" {
			b.WriteString("    ")
		}
		b.WriteString(line)
	}
	return b.String()
}
