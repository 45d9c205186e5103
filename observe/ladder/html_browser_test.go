package ladder

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dialtone/observe/pagetest"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestPageInBrowser looks at pages with a real browser, without a screen.
func TestPageInBrowser(t *testing.T) {
	browser := pagetest.Start(t)
	for name, test := range map[string]func(*tab){
		"shows a ladder":                  pageShowsLadder,
		"shows layers and bytes":          pageShowsLayers,
		"lights up a field's bytes":       pageLightsBytes,
		"is used with keys":               pageTakesKeys,
		"selects in the graph":            pageSelectsInGraph,
		"zooms and pans":                  pageZooms,
		"has many conversations":          pageChoosesTalk,
		"is dark where the reader's is":   pageIsDark,
		"fits a narrow screen":            pageFitsNarrow,
		"does nothing that bytes ask for": pageStaysInert,
		"stays quick with many segments":  pageIsQuick,
		"needs no TCP":                    pageShowsDatagrams,
		"goes onto paper":                 pagePrints,
		"opens where its address says":    pageFollowsAddress,
		"shows pictures whose words fit":  pictureFits,
		"shows what kernels do":           pageShowsCaptures,
	} {
		t.Run(name, func(t *testing.T) { test(&tab{browser.Tab(t), ""}) })
	}
}

// tab is a page of conversations.
type tab struct {
	*pagetest.Tab
	file string
}

// open shows talks in a window of the given size.
func (b *tab) open(width, height int64, talks ...*sketch) {
	b.Helper()
	b.show(width, height, talksOf(talks...))
	b.Wait(`document.querySelectorAll(".row").length > 0`)
}

func (b *tab) show(width, height int64, talks []*Talk) {
	b.Helper()
	var page bytes.Buffer
	if err := WriteHTML(&page, talks); err != nil {
		b.Fatal(err)
	}
	b.file = filepath.Join(b.TempDir(), "page.html")
	if err := os.WriteFile(b.file, page.Bytes(), 0o600); err != nil {
		b.Fatal(err)
	}
	b.Open(b.address(""), width, height)
}

func (b *tab) address(fragment string) string {
	return (&url.URL{Scheme: "file", Path: b.file, Fragment: fragment}).String()
}

func eval[T any](b *tab, expression string) T {
	b.Helper()
	return pagetest.Eval[T](b.Tab, expression)
}

// box is an element's left, top, width and height in the window.
func (b *tab) box(selector string) []float64 {
	b.Helper()
	return eval[[]float64](b, fmt.Sprintf("(r => [r.x, r.y, r.width, r.height])(document.querySelector(%q).getBoundingClientRect())", selector))
}

func pageShowsLadder(b *tab) {
	b.open(1280, 800, upperTalk(1))
	b.Shoot("ladder-1280")
	if got := b.Text("h1"); got != "192.0.2.1:50001 → 198.51.100.7:8000" {
		b.Errorf("heading %q", got)
	}
	if got := b.Text("#row0 .what"); !strings.Contains(got, "SYN") {
		b.Errorf("the first arrow says %q", got)
	}
	b.Want(`[...document.querySelectorAll("svg .name")].some(n => n.textContent === "ESTABLISHED")`, "a bar is named ESTABLISHED")
	b.Want(`[...document.querySelectorAll("svg .phase")].map(n => n.textContent).join() === "handshake,data,close"`, "the phases are named")
	b.Want(`document.querySelector("#talks").hidden`, "one conversation needs no table")
}

func pageShowsLayers(b *tab) {
	b.open(1280, 800, upperTalk(1))
	b.Click("#row3 .back", 0.5, 0.5)
	b.Shoot("segment-1280")
	if got := b.Text("#segment h2"); !strings.HasPrefix(got, "Frame 4") {
		b.Errorf("chosen: %q", got)
	}
	titles := eval[[]string](b, `[...document.querySelectorAll("#segment .layer > h3")].map(n => n.firstChild.textContent)`)
	if got := strings.Join(titles, " "); !strings.HasPrefix(got, "Ethernet IPv4 TCP") {
		b.Errorf("layers %q", got)
	}
	b.Want(`document.querySelector("#segment .layer .layer .layer > h3").firstChild.textContent === "TCP"`, "TCP lies in IPv4, and that in Ethernet")
	b.Want(`document.querySelector("#row3").getAttribute("aria-selected") === "true"`, "the ladder marks it too")
	bytes := eval[string](b, `[...document.querySelectorAll(".hex .byte")].filter(n => n.textContent.length === 2).map(n => n.textContent).join("")`)
	if !strings.Contains(bytes, "68656c6c6f") {
		b.Errorf("the bytes do not show the payload: %s", bytes)
	}
}

func pageLightsBytes(b *tab) {
	b.open(1280, 800, upperTalk(1))
	b.Click("#row3 .back", 0.5, 0.5)
	field := eval[[]float64](b, `(f => { f.scrollIntoView({block: "center"}); const r = f.getBoundingClientRect(); return [r.x + 20, r.y + r.height / 2, +f.dataset.to - +f.dataset.from]; })
		([...document.querySelectorAll(".field")].find(f => f.dataset.to - f.dataset.from === 4))`)
	b.Do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, field[0], field[1]))
	if lit := eval[int](b, `document.querySelectorAll(".byte.on").length`); lit != 2*int(field[2]) {
		b.Errorf("%d cells are lit, want the %g bytes in hex and in text", lit, field[2])
	}
	b.Shoot("field-1280")
}

func pageTakesKeys(b *tab) {
	b.open(1280, 800, upperTalk(1))
	b.Do(chromedp.Focus("#ladder .scroll"), chromedp.KeyEvent("jj"))
	if got := b.Text("#segment h2"); !strings.HasPrefix(got, "Frame 2") {
		b.Errorf("after two steps down: %q", got)
	}
	b.Do(chromedp.KeyEvent("k"))
	if got := b.Text("#segment h2"); !strings.HasPrefix(got, "Frame 1") {
		b.Errorf("after a step up: %q", got)
	}
	b.Want(`document.querySelector("#ladder .scroll").getAttribute("aria-activedescendant") === "row0"`, "a screen reader is told which row")
	b.Do(chromedp.KeyEvent("\r"))
	b.Want(`document.activeElement.id === "segment"`, "Enter goes to the layers")
}

// canvas is the time-sequence graph.
const canvas = "#graphs .plot canvas"

func pageSelectsInGraph(b *tab) {
	b.open(1280, 800, bulkTalk(1, 200))
	b.Click(canvas, 0.5, 0.5)
	found := eval[bool](b, `(() => {
		const box = document.querySelector("#graphs .plot canvas").getBoundingClientRect();
		for (let x = box.left + 70; x < box.right - 20; x += 7) for (let y = box.top + 10; y < box.bottom - 30; y += 7) {
			const at = { clientX: x, clientY: y, pointerId: 1, bubbles: true };
			const c = document.querySelector("#graphs .plot canvas");
			c.setPointerCapture = () => {};
			c.dispatchEvent(new PointerEvent("pointerdown", at));
			c.dispatchEvent(new PointerEvent("pointerup", at));
			if (document.querySelector("#segment h2").textContent.startsWith("Frame")) return true;
		}
		return false;
	})()`)
	if !found {
		b.Fatal("no click in the graph chose a segment")
	}
	b.Wait(`document.querySelector(".row[aria-selected=true]") !== null`)
	frame := eval[string](b, `document.querySelector("#segment h2").firstChild.textContent`)
	b.Want(fmt.Sprintf(`document.querySelector(".row[aria-selected=true]").getAttribute("aria-label").startsWith(%q)`, strings.Replace(frame, "F", "f", 1)+","), "the ladder shows the same segment")
	b.Shoot("graph-1280")
}

// pixels are what the graph shows.
const pixels = `document.querySelector("#graphs .plot canvas").toDataURL()`

func pageZooms(b *tab) {
	b.open(1280, 800, bulkTalk(1, 600))
	b.Wait(pixels + `.length > 10000`)
	b.Shoot("graphs-whole-1280")
	whole := eval[string](b, pixels)
	differs := func(what string) {
		b.Helper()
		b.Wait(fmt.Sprintf("%s !== %q", pixels, whole)) // else the graph is as it was after what
		b.Log("the graph has changed after", what)
	}
	box := b.box(canvas)
	x, y := box[0]+box[2]*0.6, box[1]+box[3]*0.5
	b.Do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseWheel, x, y, func(p *input.DispatchMouseEventParams) { p.DeltaX, p.DeltaY = 0.01, -600 }))
	differs("the wheel")
	b.Do(chromedp.DragAndDropXY(x, y, x-80, y))
	differs("dragging")
	b.Shoot("graphs-zoomed-1280")
	b.Do(chromedp.Focus(canvas), chromedp.KeyEvent("0"))
	b.Wait(fmt.Sprintf("%s === %q", pixels, whole))
	b.Do(chromedp.KeyEvent("++"))
	differs("the + key")
}

func pageChoosesTalk(b *tab) {
	talks := []*sketch{}
	for i := range 40 {
		talks = append(talks, upperTalk(i+1))
	}
	talks = append(talks, bulkTalk(41, 300))
	b.open(1280, 800, talks...)
	if got := b.Text("#talks-summary"); got != "41 conversations" {
		b.Errorf("the table is called %q", got)
	}
	b.Do(chromedp.Click("#talks-summary"))
	b.Shoot("table-1280")
	b.Do(chromedp.Click(`#talks tr[data-talk="41"]`))
	if got := b.Text("h1"); !strings.Contains(got, "[2001:db8::1]:40041") {
		b.Errorf("chosen the last, shown %q", got)
	}
	b.Want(`!document.querySelector("#talks").open`, "the table closes behind who has chosen")
	b.Do(chromedp.Click("#talks-summary"), chromedp.Click(`#talks th:nth-child(6) button`), chromedp.Click(`#talks th:nth-child(6) button`))
	b.Want(`document.querySelector("#talks tbody tr").dataset.talk === "41"`, "sorted by packets, the most first")
	b.Shoot("table-sorted-1280")
	b.Do(chromedp.Focus("#wanted"), chromedp.KeyEvent(":50007 four"))
	b.Want(`[...document.querySelectorAll("#talks tbody tr")].filter(r => !r.hidden).map(r => r.dataset.talk).join() === "7"`, "those with the words that are looked for")
	b.Do(chromedp.KeyEvent(kb.Escape))
}

func (b *tab) dark() {
	b.Helper()
	b.Prefer("prefers-color-scheme", "dark")
}

func pageIsDark(b *tab) {
	b.open(1280, 800, bulkTalk(1, 200))
	paper := `getComputedStyle(document.body).backgroundColor`
	light := eval[string](b, paper)
	b.dark()
	if now := eval[string](b, paper); now == light {
		b.Errorf("on a dark screen the paper is %s as well", now)
	}
	b.Click("#row7 .back", 0.5, 0.5)
	b.Shoot("dark-1280")
}

func pageFitsNarrow(b *tab) {
	b.open(390, 844, upperTalk(1), bulkTalk(2, 200))
	b.Shoot("ladder-390")
	b.Want(`document.documentElement.scrollWidth <= 390`, "nothing is wider than the screen")
	b.Want(`document.querySelector("#graphs").offsetParent === null`, "one view at a time")
	b.Do(chromedp.Click(`#talks-summary`), chromedp.Click(`#talks tr[data-talk="2"] button`))
	b.Click("#row4 .back", 0.6, 0.5)
	b.Shoot("ladder-bulk-390")
	b.Do(chromedp.Click(`nav button[data-show="graphs"]`))
	b.Shoot("graphs-390")
	b.Do(chromedp.Click(`nav button[data-show="segment"]`))
	b.Shoot("segment-390")
	b.Want(`document.querySelector("#segment h2").textContent.startsWith("Frame 5")`, "the segment chosen in the ladder")
	b.Want(`document.documentElement.scrollWidth <= 390`, "nothing is wider than the screen")
}

func pageStaysInert(b *tab) {
	b.open(1280, 800, hostileTalk(1))
	b.Do(chromedp.Focus("#ladder .scroll"), chromedp.KeyEvent(strings.Repeat("j", 12)))
	b.Shoot("hostile-1280")
	b.Want(`window.owned === undefined`, "nothing of the capture ran")
	b.Want(`document.querySelectorAll("script").length === 2`, "the page's two scripts and no more")
	if got := b.Text("#segment .reasons b"); !strings.Contains(got, "</script>") {
		b.Errorf("the text is shown as %q", got)
	}
}

// pageIsQuick counts what a page of 20,000 segments draws: time says little on a
// machine that has much else to do.
func pageIsQuick(b *tab) {
	s := bulkTalk(1, 12_500)
	if len(s.Rows) < 20_000 {
		b.Fatalf("%d rows", len(s.Rows))
	}
	b.open(1280, 800, s)
	b.Logf("loaded after %.0f ms", eval[float64](b, `performance.getEntriesByType("navigation")[0].domComplete`))
	b.Do(chromedp.Focus("#ladder .scroll"), chromedp.KeyEvent(kb.End))
	b.Wait(fmt.Sprintf(`document.querySelector("#row%d") !== null`, len(s.Rows)-1))
	b.Want(`document.querySelectorAll(".row").length < 100`, "of the ladder only what is in view is drawn")
	b.Want(`document.querySelectorAll("*").length < 2000`, "the page has few elements")
	b.Do(chromedp.Evaluate[chromedp.Void](countPoints), chromedp.Click(`#graphs [aria-label="Show all"]`))
	b.Wait(`points > 0`)
	if points := eval[int](b, `points`); points > len(s.Rows) {
		b.Errorf("a graph of %d segments is drawn with %d points", len(s.Rows), points)
	} else {
		b.Logf("%d segments in %d points", len(s.Rows), points)
	}
	b.Shoot("many-1280")
}

// countPoints counts the points of all that is drawn from then on.
const countPoints = `(() => {
	window.points = 0;
	for (const kind of [CanvasRenderingContext2D, Path2D]) for (const name of ["lineTo", "moveTo"]) {
		const draw = kind.prototype[name];
		kind.prototype[name] = function (...at) { points++; return draw.apply(this, at); };
	}
})()`

func pageShowsDatagrams(b *tab) {
	b.open(1280, 800, datagramTalk(1), dramaTalk(2))
	b.Click("#row3 .back", 0.5, 0.5)
	b.Shoot("datagrams-1280")
	b.Want(`document.querySelector("#graphs").offsetParent === null`, "no graph of sequence numbers that are not there")
	if got := b.Text("#segment .reasons"); !strings.Contains(got, "quotes frame 3") {
		b.Errorf("the reason is shown as %q", got)
	}
	b.Want(`!document.querySelector("#notice").hidden`, "bytes that are gone are said to be")
	b.Do(chromedp.Navigate(b.address("talk=2&frame=5")))
	b.Wait(`document.querySelector("#segment h2").textContent.startsWith("Frame 5")`)
	b.Shoot("drama-1280")
}

func pagePrints(b *tab) {
	b.open(1280, 800, bulkTalk(1, 60))
	b.dark()
	paper, err := chromedp.Run(b.Context(), chromedp.PrintToPDF())
	if err != nil {
		b.Fatal(err)
	}
	if folder := os.Getenv(pagetest.Pictures); folder != "" {
		_ = os.WriteFile(filepath.Join(folder, "page.pdf"), paper, 0o644)
	}
	b.Do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
		return err
	}), chromedp.Evaluate[chromedp.Void](`dispatchEvent(new Event("beforeprint"))`))
	b.Want(`document.querySelectorAll(".row").length > 60`, "all rows are on paper, not only those in view")
	b.Want(`document.querySelectorAll("#ladder .scroll > svg").length > 15`, "in pieces between which a page may end")
	b.Want(`[...document.querySelectorAll("canvas")].every((c) => c.width === 2880)`, "the graphs have a size for paper")
	b.Do(chromedp.EmulateViewport(1000, 1400))
	b.Shoot("print")
	if len(paper) < 20_000 {
		b.Errorf("a PDF of %d bytes", len(paper))
	}
	b.Do(chromedp.Evaluate[chromedp.Void](`dispatchEvent(new Event("afterprint"))`))
	b.Want(`document.querySelectorAll("#ladder .scroll > svg").length === 1`, "then one piece shows what is in view again")
}

func pageFollowsAddress(b *tab) {
	b.open(1280, 800, upperTalk(1), upperTalk(2))
	b.Do(chromedp.Navigate(b.address("talk=2&frame=4")))
	b.Wait(`document.querySelector("#segment h2").textContent.startsWith("Frame 4")`)
	b.Want(`document.querySelector("h1").textContent.includes(":50002")`, "the second conversation")
	b.Do(chromedp.Reload())
	b.Want(`document.querySelector("#segment h2").textContent.startsWith("Frame 4")`, "the same after loading it anew")
	// What the page is about to write into its address must not hide what comes from there
	// meanwhile, which the page hears of a little later.
	b.Do(chromedp.Evaluate[chromedp.Void](`const press = (key) => document.querySelector("#ladder .scroll").dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
		press("j");
		setTimeout(() => (location.hash = "talk=1&frame=2"), 100);
		setTimeout(() => { for (const end = performance.now() + 200; performance.now() < end; ); }, 90)`))
	b.Wait(`document.querySelector("#segment h2").textContent.startsWith("Frame 2")`)
	b.Want(`document.querySelector("h1").textContent.includes(":50001")`, "the first conversation")
}

// pictureFits measures every text of a picture in a browser: none leaves the
// picture, and none in the same column covers another.
func pictureFits(b *tab) {
	for name, s := range map[string]*sketch{"upper": upperTalk(1), "bulk": bulkTalk(2, 130), "drama": dramaTalk(3), "datagrams": datagramTalk(4), "hostile": hostileTalk(5)} {
		b.file = filepath.Join(b.TempDir(), name+".svg")
		if err := os.WriteFile(b.file, []byte(drawn(b.T, &s.Talk)), 0o600); err != nil {
			b.Fatal(err)
		}
		b.Do(chromedp.EmulateViewport(1060, 1400), chromedp.Navigate(b.address("")))
		b.Shoot("svg-" + name)
		wide := eval[[]string](b, `(() => {
			const room = { what: 460, said: 460, time: 88, name: 92, label: 1040 - 762, phase: 460, title: 1040, facts: 1040 };
			return [...document.querySelectorAll("text")].filter((t) => {
				const kind = t.classList[0], box = t.getBoundingClientRect();
				return t.getComputedTextLength() > (room[kind] ?? 360) || box.left < 0 || box.right > 1040 || box.top < 0;
			}).map((t) => t.getAttribute("class") + ": " + t.textContent);
		})()`)
		for _, text := range wide {
			b.Errorf("%s: does not fit: %s", name, text)
		}
	}
}

// pageShowsCaptures opens every recorded exchange, looks at each conversation of it
// and chooses each segment, light and dark, and looks at the picture of it.
func pageShowsCaptures(b *tab) {
	for name, file := range recorded(b) {
		talks := captured(b, file)
		b.show(1280, 800, talks)
		for _, talk := range talks {
			b.Do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`location.hash = "talk=%d"`, talk.ID)))
			b.Wait(fmt.Sprintf(`document.title.startsWith(%q)`, talk.Ends[0].Addr.String()))
			for _, problem := range eval[[]string](b, everySegment) {
				b.Errorf("%s, conversation %d: %s", name, talk.ID, problem)
			}
			b.Shoot(fmt.Sprintf("capture-%s-%d", name, talk.ID))
		}
		if len(talks) == 0 {
			b.Want(`document.querySelector("#notice").textContent !== ""`, name+": that there is nothing is said")
		}
	}
}

// everySegment goes through a conversation's first rows with the key j, and returns what is wrong.
const everySegment = `(() => {
	const view = document.querySelector("#ladder .scroll"), wrong = [], seen = new Set();
	const press = (key) => view.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
	for (let n = 0; n < 40; n++) {
		press("j");
		const row = document.querySelector(".row[aria-selected=true]"), title = document.querySelector("#segment h2").textContent;
		if (!row) return wrong.concat("nothing is chosen");
		if (seen.has(title)) break;
		seen.add(title);
		const frame = title.split(" ")[1];
		if (!row.getAttribute("aria-label").startsWith("frame " + frame + ",")) wrong.push(title + " is shown, chosen is " + row.getAttribute("aria-label"));
		if (!document.querySelector("#segment .layer .layer h3")) wrong.push(title + " has no layers");
		if (document.querySelectorAll(".hex .byte").length < 2 * 28) wrong.push(title + " has no bytes");
		const box = row.getBoundingClientRect(), room = view.getBoundingClientRect();
		if (box.bottom < room.top || box.top > room.bottom) wrong.push(title + " is out of view");
	}
	if (document.documentElement.scrollWidth > innerWidth) wrong.push("the page is wider than its window");
	press("Escape");
	if (!document.querySelector("#segment h2").textContent.startsWith("What happened")) wrong.push("Esc does not lead back");
	return wrong;
})()`
