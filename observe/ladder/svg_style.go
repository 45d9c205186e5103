package ladder

import (
	_ "embed"
	"strings"

	"dialtone/observe/palette"
)

// ladderStyle is how a ladder is drawn, with $names of colours.
//
//go:embed page/ladder.css
var ladderStyle string

// svgStyle is ladderStyle for a picture, whose viewer may not know CSS variables:
// all of it in light colours, and what has a colour again in dark ones.
func svgStyle() string {
	more := "svg .paper { fill: $paper; }\nsvg text.title { font-size: 15px; font-weight: 600; }\nsvg text.facts { fill: $faint; }\n"
	style := more + ladderStyle
	return palette.Plain(style, palette.Light) + "@media (prefers-color-scheme: dark) {\n" + palette.Plain(onlyColors(style), palette.Dark) + "}\n"
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
