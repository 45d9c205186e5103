package ladder

import (
	"bufio"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"io"
	"strings"

	"dialtone/observe/palette"
)

//go:embed page/*.html page/*.css page/*.js
var pageFiles embed.FS

// WriteHTML writes conversations as one page that needs nothing else: no network, no
// other file. Where there is more than a page takes (MaxPageRows), it says what is
// missing.
//
// What came from the wire is in the page as JSON only, which does nothing; the page's
// own script, allowed by its hash and no other, shows it as text. Nothing in a
// capture can make the page do anything.
func WriteHTML(w io.Writer, talks []*Talk) error {
	style, script := pageStyle(), pageScript()
	parts := map[string]string{"policy": policy(style, script), "style": style, "script": script}
	out := bufio.NewWriter(w)
	rest := pageFile("page.html")
	for {
		before, after, found := strings.Cut(rest, "{{")
		out.WriteString(before)
		if !found {
			return out.Flush()
		}
		var name string
		name, rest, _ = strings.Cut(after, "}}")
		if name == "data" {
			if err := writeData(out, talks); err != nil {
				return err
			}
			continue
		}
		out.WriteString(parts[name])
	}
}

// policy forbids the page everything but its own style and script. Strings become
// neither markup nor code, whatever a browser's script may try (Trusted Types).
func policy(style, script string) string {
	return "default-src 'none'; style-src '" + hash(style) + "'; script-src '" + hash(script) + "'; " +
		"base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
}

// hash names an inline style or script in a Content-Security-Policy (CSP Level 3 §2.3.1).
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// pageStyle has the palette as variables: light, dark where the reader's screen is
// so and the page is not being printed.
func pageStyle() string {
	return "\n" + palette.Variables() + palette.WithVariables(ladderStyle) + pageFile("page.css")
}

// pageScript is the page's program: its parts in the order in which they need each
// other, none of whose names can be reached from outside.
func pageScript() string {
	var b strings.Builder
	b.WriteString("\n\"use strict\";\n{\n")
	for _, name := range [...]string{"1_page.js", "2_ladder.js", "3_plot.js", "4_graphs.js", "5_segment.js", "6_divider.js", "7_app.js"} {
		b.WriteString(pageFile(name))
	}
	b.WriteString("}\n")
	return b.String()
}

// pageFile returns an embedded file, which is there or this would not have compiled.
func pageFile(name string) string {
	text, err := pageFiles.ReadFile("page/" + name)
	if err != nil {
		panic(err)
	}
	return string(text)
}
