package ladder

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// written returns a page and the data in it.
func written(t *testing.T, talks ...*sketch) (text string, data map[string]any) {
	t.Helper()
	var b bytes.Buffer
	if err := WriteHTML(&b, talksOf(talks...)); err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(b.String(), `<script type="application/json" id="data">`)
	inner, _, _ := strings.Cut(after, "</script>")
	if err := json.Unmarshal([]byte(inner), &data); err != nil {
		t.Fatalf("the page's data: %v", err)
	}
	return b.String(), data
}

func TestPageNeedsNothingElse(t *testing.T) {
	text, _ := written(t, upperTalk(1), bulkTalk(2, 50))
	for _, bad := range []string{"src=", "@import", "url(", "fetch(", "innerHTML", "insertAdjacentHTML", "document.write", "eval(", "{{", "$ink"} {
		if strings.Contains(text, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
	if got := regexp.MustCompile(`https?://[^"' ]*`).FindAllString(text, -1); len(got) != 1 || got[0] != "http://www.w3.org/2000/svg" {
		t.Errorf("addresses in the page: %q, want only the name of SVG", got)
	}
}

func TestPageKeepsHostileTextInItsData(t *testing.T) {
	text, data := written(t, hostileTalk(1))
	if n := strings.Count(text, "<script"); n != 2 {
		t.Errorf("%d script elements, want the data and the script", n)
	}
	for _, w := range data["words"].([]any) {
		for _, r := range w.(string) {
			if r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
				t.Errorf("the text %q has %U", w, r)
			}
		}
	}
}

func TestPageHasALimit(t *testing.T) {
	big := newSketch(1, "192.0.2.1:1", "192.0.2.2:2")
	row := *upperTalk(1).send(0, ms, 0, "x")
	for i := range MaxPageRows + 7 {
		row.Frame = int64(i + 1)
		big.Rows = append(big.Rows, row)
	}
	_, data := written(t, big, upperTalk(2))
	words, talks := data["words"].([]any), data["talks"].([]any)
	word := func(v any) string { return words[int(v.(float64))].(string) }
	first, second := talks[0].(map[string]any), talks[1].(map[string]any)
	if n := len(first["time"].([]any)); n != MaxPageRows {
		t.Errorf("%d rows, want %d", n, MaxPageRows)
	}
	if got := word(first["notice"]); !strings.HasPrefix(got, "7 more segments") {
		t.Errorf("the notice of the first is %q", got)
	}
	if _, ok := second["time"]; ok {
		t.Error("the second has rows, for which there is no room")
	}
	if got := word(data["notice"]); !strings.Contains(got, "Only in the table, for want of room: 1 conversation.") {
		t.Errorf("the page's notice is %q", got)
	}
}

func TestPageSharesShapes(t *testing.T) {
	s := bulkTalk(1, 500)
	_, data := written(t, s)
	if n := len(data["shapes"].([]any)); n > 12 {
		t.Errorf("%d shapes for %d frames of a few kinds", n, len(s.Rows))
	}
}
