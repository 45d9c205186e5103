package ladder

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"dialtone/observe/flow"
)

func TestShow(t *testing.T) {
	var width int
	fmt.Sscan(os.Getenv("W"), &width)
	for _, f := range []func(*script) *flow.Conversation{upper, bulk_} {
		var text strings.Builder
		w := NewWriter(&text, Style{Width: width, Colour: os.Getenv("C") != "", Why: os.Getenv("WHY") != "", ASCII: os.Getenv("A") != ""})
		c := f(newScript(t, func(e *flow.Event) { w.Event(e) }))
		w.End(c)
		w.Flush()
		fmt.Println(text.String())
	}
}
