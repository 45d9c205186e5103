// Package palette has the colours of pages and pictures: each has a name, a value on light
// paper and one on dark. Styles name them as $loss, always with a semicolon behind.
package palette

import (
	_ "embed"
	"fmt"
	"strings"
)

// text has a colour a line: its name, what it is on light paper and on dark.
//
//go:embed palette.txt
var text string

// Theme is light or dark.
type Theme int

// The themes.
const (
	Light Theme = 1 + iota
	Dark
)

// Variables returns CSS that makes every colour a variable: light; dark where the reader's
// screen is so, and nothing on the page (data-theme) says otherwise.
func Variables() string {
	return ":root {\n" + variables(Light) + "}\n" +
		"@media (prefers-color-scheme: dark) {\n:root:not([data-theme=light]) {\n" + variables(Dark) + "}\n}\n"
}

func variables(t Theme) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		fmt.Fprintf(&b, "  --%s: %s;\n", f[0], f[t])
	}
	return b.String()
}

// Plain returns style with the colours of a theme in it, for viewers that may not know
// variables.
func Plain(style string, t Theme) string {
	return replace(style, func(f []string) string { return f[t] })
}

// WithVariables returns style with variables in the place of colours.
func WithVariables(style string) string {
	return replace(style, func(f []string) string { return "var(--" + f[0] + ")" })
}

func replace(style string, value func(fields []string) string) string {
	var pairs []string
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		pairs = append(pairs, "$"+f[0]+";", value(f)+";")
	}
	return strings.NewReplacer(pairs...).Replace(style)
}
