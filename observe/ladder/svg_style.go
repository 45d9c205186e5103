package ladder

import (
	_ "embed"
	"fmt"
	"strings"
)

// palette has a colour a line: its name, what it is on light paper and on dark.
//
//go:embed page/palette.txt
var palette string

// ladderStyle is how a ladder is drawn, with $names of colours.
//
//go:embed page/ladder.css
var ladderStyle string

// svgStyle is ladderStyle for a picture, whose viewer may not know CSS variables:
// all of it in light colours, and what has a colour again in dark ones.
func svgStyle() string {
	more := "svg .paper { fill: $paper; }\nsvg text.title { font-size: 15px; font-weight: 600; }\nsvg text.facts { fill: $faint; }\n"
	style := more + ladderStyle
	return colored(style, 1) + "@media (prefers-color-scheme: dark) {\n" + colored(onlyColors(style), 2) + "}\n"
}

// onlyColors are the rules that name a colour.
func onlyColors(style string) string {
	var b strings.Builder
	for line := range strings.Lines(style) {
		if strings.Contains(line, "$") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// colored puts the colours of a column of the palette into style.
func colored(style string, column int) string {
	var pairs []string
	for line := range strings.Lines(palette) {
		f := strings.Fields(line)
		pairs = append(pairs, "$"+f[0]+";", f[column]+";")
	}
	return strings.NewReplacer(pairs...).Replace(style)
}

// variables are the palette as CSS variables.
func variables(column int) string {
	var b strings.Builder
	for line := range strings.Lines(palette) {
		f := strings.Fields(line)
		fmt.Fprintf(&b, "  --%s: %s;\n", f[0], f[column])
	}
	return b.String()
}

// withVariables puts CSS variables in the place of colours.
func withVariables(style string) string {
	var pairs []string
	for line := range strings.Lines(palette) {
		name, _, _ := strings.Cut(line, " ")
		pairs = append(pairs, "$"+name+";", "var(--"+name+");")
	}
	return strings.NewReplacer(pairs...).Replace(style)
}
