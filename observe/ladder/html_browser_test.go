package ladder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// shots, where it is set, is a folder for pictures of what the tests see.
const shots = "DIALTONE_SCREENSHOTS"

// TestPageInBrowser looks at pages with a real browser, without a screen.
func TestPageInBrowser(t *testing.T) {
	browser := startBrowser(t)
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
		t.Run(name, func(t *testing.T) { test(browser.tab(t)) })
	}
}

// chromium is the browser of all tests here.
type chromium struct{ ctx context.Context }

func startBrowser(t *testing.T) *chromium {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium here, which .ci/prepare installs: the page is not looked at")
	}
	home := browserHome(t)
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox, // which needs a user that is not root, and user namespaces; the pages are our own
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND"), // the page must not need a network
		chromedp.UserDataDir(filepath.Join(home, "profile")),
		chromedp.Env("HOME="+home, "TMPDIR="+home, "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+home),
		chromedp.WSURLReadTimeout(patience),
	)
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, _ := chromedp.NewContext(allocator)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("%s does not start: %v", path, err)
	}
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("closing the browser: %v", err)
		}
	})
	return &chromium{ctx}
}

// browserHome is a folder for all that the browser writes. It goes once the last of
// the browser's processes has: some live a little longer than the first one.
func browserHome(t *testing.T) string {
	t.Helper()
	home, err := os.MkdirTemp("", "dialtone-chromium-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := os.RemoveAll(home)
		for end := time.Now().Add(patience); err != nil && time.Now().Before(end); err = os.RemoveAll(home) {
			time.Sleep(50 * time.Millisecond)
		}
		if err != nil {
			t.Error(err)
		}
	})
	return home
}

// patience is how long anything may take on a machine that has much else to do.
const patience = 5 * time.Minute

// tab is one page in the browser, which fails its test for any word on the console.
type tab struct {
	*testing.T
	ctx  context.Context
	file string
}

func (c *chromium) tab(t *testing.T) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(c.ctx)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	var reader sync.WaitGroup
	var said []string
	console := chromedp.Console(ctx)
	reader.Go(func() {
		for m, err := range console {
			if err != nil {
				return
			}
			said = append(said, fmt.Sprintf("%s: %s", m.Type, m.Text))
		}
	})
	limited, stop := context.WithTimeout(ctx, patience)
	t.Cleanup(func() {
		stop()
		cancel()
		reader.Wait()
		for _, line := range said {
			t.Errorf("console: %s", line)
		}
	})
	return &tab{t, limited, ""}
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.Fatal(err)
	}
}

// open shows talks in a window of the given size.
func (b *tab) open(width, height int64, talks ...*sketch) {
	b.Helper()
	b.show(width, height, talksOf(talks...))
	b.wait(`document.querySelectorAll(".row").length > 0`)
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
	b.do(chromedp.EmulateViewport(width, height), chromedp.Navigate(b.address("")))
}

func (b *tab) address(fragment string) string {
	return (&url.URL{Scheme: "file", Path: b.file, Fragment: fragment}).String()
}

// eval returns what an expression in the page is.
func eval[T any](b *tab, expression string) T {
	b.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.Fatalf("%s: %v", expression, err)
	}
	return v
}

func (b *tab) text(selector string) string {
	b.Helper()
	return eval[string](b, fmt.Sprintf("document.querySelector(%q).textContent", selector))
}

// wait waits until something is so.
func (b *tab) wait(expression string) {
	b.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(patience))); err != nil {
		b.Fatalf("never: %s: %v", expression, err)
	}
}

// click clicks at a place in an element, in parts of its size.
func (b *tab) click(selector string, x, y float64) {
	b.Helper()
	box := b.box(selector)
	b.do(chromedp.MouseClickXY(box[0]+box[2]*x, box[1]+box[3]*y))
}

// box is an element's left, top, width and height in the window.
func (b *tab) box(selector string) []float64 {
	b.Helper()
	return eval[[]float64](b, fmt.Sprintf("(r => [r.x, r.y, r.width, r.height])(document.querySelector(%q).getBoundingClientRect())", selector))
}

// shoot keeps a picture of the window for a person to look at.
func (b *tab) shoot(name string) {
	b.Helper()
	folder := os.Getenv(shots)
	if folder == "" {
		return
	}
	b.do(chromedp.Evaluate[chromedp.Void]("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))", chromedp.EvalAwaitPromise))
	picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o644); err != nil {
		b.Fatal(err)
	}
}

func (b *tab) want(expression, what string) {
	b.Helper()
	if !eval[bool](b, expression) {
		b.Errorf("not so: %s (%s)", what, expression)
	}
}

func pageShowsLadder(b *tab) {
	b.open(1280, 800, upperTalk(1))
	b.shoot("ladder-1280")
	if got := b.text("h1"); got != "192.0.2.1:50001 → 198.51.100.7:8000" {
		b.Errorf("heading %q", got)
	}
	if got := b.text("#row0 .what"); !strings.Contains(got, "SYN") {
		b.Errorf("the first arrow says %q", got)
	}
	b.want(`[...document.querySelectorAll("svg .name")].some(n => n.textContent === "ESTABLISHED")`, "a bar is named ESTABLISHED")
	b.want(`[...document.querySelectorAll("svg .phase")].map(n => n.textContent).join() === "handshake,data,close"`, "the phases are named")
	b.want(`document.querySelector("#talks").hidden`, "one conversation needs no table")
}

func pageShowsLayers(b *tab) {
	b.open(1280, 800, upperTalk(1))
	b.click("#row3 .back", 0.5, 0.5)
	b.shoot("segment-1280")
	if got := b.text("#segment h2"); !strings.HasPrefix(got, "Frame 4") {
		b.Errorf("chosen: %q", got)
	}
	titles := eval[[]string](b, `[...document.querySelectorAll("#segment .layer > h3")].map(n => n.firstChild.textContent)`)
	if got := strings.Join(titles, " "); !strings.HasPrefix(got, "Ethernet IPv4 TCP") {
		b.Errorf("layers %q", got)
	}
	b.want(`document.querySelector("#segment .layer .layer .layer > h3").firstChild.textContent === "TCP"`, "TCP lies in IPv4, and that in Ethernet")
	b.want(`document.querySelector("#row3").getAttribute("aria-selected") === "true"`, "the ladder marks it too")
	bytes := eval[string](b, `[...document.querySelectorAll(".hex .byte")].filter(n => n.textContent.length === 2).map(n => n.textContent).join("")`)
	if !strings.Contains(bytes, "68656c6c6f") {
		b.Errorf("the bytes do not show the payload: %s", bytes)
	}
}

func pageLightsBytes(b *tab) {
	b.open(1280, 800, upperTalk(1))
	b.click("#row3 .back", 0.5, 0.5)
	field := eval[[]float64](b, `(f => { f.scrollIntoView({block: "center"}); const r = f.getBoundingClientRect(); return [r.x + 20, r.y + r.height / 2, +f.dataset.to - +f.dataset.from]; })
		([...document.querySelectorAll(".field")].find(f => f.dataset.to - f.dataset.from === 4))`)
	b.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, field[0], field[1]))
	if lit := eval[int](b, `document.querySelectorAll(".byte.on").length`); lit != 2*int(field[2]) {
		b.Errorf("%d cells are lit, want the %g bytes in hex and in text", lit, field[2])
	}
	b.shoot("field-1280")
}

func pageTakesKeys(b *tab) {
	b.open(1280, 800, upperTalk(1))
	b.do(chromedp.Focus("#ladder .scroll"), chromedp.KeyEvent("jj"))
	if got := b.text("#segment h2"); !strings.HasPrefix(got, "Frame 2") {
		b.Errorf("after two steps down: %q", got)
	}
	b.do(chromedp.KeyEvent("k"))
	if got := b.text("#segment h2"); !strings.HasPrefix(got, "Frame 1") {
		b.Errorf("after a step up: %q", got)
	}
	b.want(`document.querySelector("#ladder .scroll").getAttribute("aria-activedescendant") === "row0"`, "a screen reader is told which row")
	b.do(chromedp.KeyEvent("\r"))
	b.want(`document.activeElement.id === "segment"`, "Enter goes to the layers")
}

// canvas is the time-sequence graph.
const canvas = "#graphs .plot canvas"

func pageSelectsInGraph(b *tab) {
	b.open(1280, 800, bulkTalk(1, 200))
	b.click(canvas, 0.5, 0.5)
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
	b.wait(`document.querySelector(".row[aria-selected=true]") !== null`)
	frame := eval[string](b, `document.querySelector("#segment h2").firstChild.textContent`)
	b.want(fmt.Sprintf(`document.querySelector(".row[aria-selected=true]").getAttribute("aria-label").startsWith(%q)`, strings.Replace(frame, "F", "f", 1)+","), "the ladder shows the same segment")
	b.shoot("graph-1280")
}

// pixels are what the graph shows.
const pixels = `document.querySelector("#graphs .plot canvas").toDataURL()`

func pageZooms(b *tab) {
	b.open(1280, 800, bulkTalk(1, 600))
	b.wait(pixels + `.length > 10000`)
	b.shoot("graphs-whole-1280")
	whole := eval[string](b, pixels)
	differs := func(what string) {
		b.Helper()
		b.wait(fmt.Sprintf("%s !== %q", pixels, whole)) // else the graph is as it was after what
		b.Log("the graph has changed after", what)
	}
	box := b.box(canvas)
	x, y := box[0]+box[2]*0.6, box[1]+box[3]*0.5
	b.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseWheel, x, y, func(p *input.DispatchMouseEventParams) { p.DeltaX, p.DeltaY = 0.01, -600 }))
	differs("the wheel")
	b.do(chromedp.DragAndDropXY(x, y, x-80, y))
	differs("dragging")
	b.shoot("graphs-zoomed-1280")
	b.do(chromedp.Focus(canvas), chromedp.KeyEvent("0"))
	b.wait(fmt.Sprintf("%s === %q", pixels, whole))
	b.do(chromedp.KeyEvent("++"))
	differs("the + key")
}

func pageChoosesTalk(b *tab) {
	talks := []*sketch{}
	for i := range 40 {
		talks = append(talks, upperTalk(i+1))
	}
	talks = append(talks, bulkTalk(41, 300))
	b.open(1280, 800, talks...)
	if got := b.text("#talks-summary"); got != "41 conversations" {
		b.Errorf("the table is called %q", got)
	}
	b.do(chromedp.Click("#talks-summary"))
	b.shoot("table-1280")
	b.do(chromedp.Click(`#talks tr[data-talk="41"]`))
	if got := b.text("h1"); !strings.Contains(got, "[2001:db8::1]:40041") {
		b.Errorf("chosen the last, shown %q", got)
	}
	b.want(`!document.querySelector("#talks").open`, "the table closes behind who has chosen")
	b.do(chromedp.Click("#talks-summary"), chromedp.Click(`#talks th:nth-child(6) button`), chromedp.Click(`#talks th:nth-child(6) button`))
	b.want(`document.querySelector("#talks tbody tr").dataset.talk === "41"`, "sorted by packets, the most first")
	b.shoot("table-sorted-1280")
	b.do(chromedp.Focus("#wanted"), chromedp.KeyEvent(":50007 four"))
	b.want(`[...document.querySelectorAll("#talks tbody tr")].filter(r => !r.hidden).map(r => r.dataset.talk).join() === "7"`, "those with the words that are looked for")
	b.do(chromedp.KeyEvent(kb.Escape))
}

func (b *tab) dark() {
	b.Helper()
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}},
		})
		return err
	}))
}

func pageIsDark(b *tab) {
	b.open(1280, 800, bulkTalk(1, 200))
	paper := `getComputedStyle(document.body).backgroundColor`
	light := eval[string](b, paper)
	b.dark()
	if now := eval[string](b, paper); now == light {
		b.Errorf("on a dark screen the paper is %s as well", now)
	}
	b.click("#row7 .back", 0.5, 0.5)
	b.shoot("dark-1280")
}

func pageFitsNarrow(b *tab) {
	b.open(390, 844, upperTalk(1), bulkTalk(2, 200))
	b.shoot("ladder-390")
	b.want(`document.documentElement.scrollWidth <= 390`, "nothing is wider than the screen")
	b.want(`document.querySelector("#graphs").offsetParent === null`, "one view at a time")
	b.do(chromedp.Click(`#talks-summary`), chromedp.Click(`#talks tr[data-talk="2"] button`))
	b.click("#row4 .back", 0.6, 0.5)
	b.shoot("ladder-bulk-390")
	b.do(chromedp.Click(`nav button[data-show="graphs"]`))
	b.shoot("graphs-390")
	b.do(chromedp.Click(`nav button[data-show="segment"]`))
	b.shoot("segment-390")
	b.want(`document.querySelector("#segment h2").textContent.startsWith("Frame 5")`, "the segment chosen in the ladder")
	b.want(`document.documentElement.scrollWidth <= 390`, "nothing is wider than the screen")
}

func pageStaysInert(b *tab) {
	b.open(1280, 800, hostileTalk(1))
	b.do(chromedp.Focus("#ladder .scroll"), chromedp.KeyEvent(strings.Repeat("j", 12)))
	b.shoot("hostile-1280")
	b.want(`window.owned === undefined`, "nothing of the capture ran")
	b.want(`document.querySelectorAll("script").length === 2`, "the page's two scripts and no more")
	if got := b.text("#segment .reasons b"); !strings.Contains(got, "</script>") {
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
	b.do(chromedp.Focus("#ladder .scroll"), chromedp.KeyEvent(kb.End))
	b.wait(fmt.Sprintf(`document.querySelector("#row%d") !== null`, len(s.Rows)-1))
	b.want(`document.querySelectorAll(".row").length < 100`, "of the ladder only what is in view is drawn")
	b.want(`document.querySelectorAll("*").length < 2000`, "the page has few elements")
	b.do(chromedp.Evaluate[chromedp.Void](countPoints), chromedp.Click(`#graphs [aria-label="Show all"]`))
	b.wait(`points > 0`)
	if points := eval[int](b, `points`); points > len(s.Rows) {
		b.Errorf("a graph of %d segments is drawn with %d points", len(s.Rows), points)
	} else {
		b.Logf("%d segments in %d points", len(s.Rows), points)
	}
	b.shoot("many-1280")
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
	b.click("#row3 .back", 0.5, 0.5)
	b.shoot("datagrams-1280")
	b.want(`document.querySelector("#graphs").offsetParent === null`, "no graph of sequence numbers that are not there")
	if got := b.text("#segment .reasons"); !strings.Contains(got, "quotes frame 3") {
		b.Errorf("the reason is shown as %q", got)
	}
	b.want(`!document.querySelector("#notice").hidden`, "bytes that are gone are said to be")
	b.do(chromedp.Navigate(b.address("talk=2&frame=5")))
	b.wait(`document.querySelector("#segment h2").textContent.startsWith("Frame 5")`)
	b.shoot("drama-1280")
}

func pagePrints(b *tab) {
	b.open(1280, 800, bulkTalk(1, 60))
	b.dark()
	paper, err := chromedp.Run(b.ctx, chromedp.PrintToPDF())
	if err != nil {
		b.Fatal(err)
	}
	if folder := os.Getenv(shots); folder != "" {
		_ = os.WriteFile(filepath.Join(folder, "page.pdf"), paper, 0o644)
	}
	b.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
		return err
	}), chromedp.Evaluate[chromedp.Void](`dispatchEvent(new Event("beforeprint"))`))
	b.want(`document.querySelectorAll(".row").length > 60`, "all rows are on paper, not only those in view")
	b.want(`document.querySelectorAll("#ladder .scroll > svg").length > 15`, "in pieces between which a page may end")
	b.want(`[...document.querySelectorAll("canvas")].every((c) => c.width === 2880)`, "the graphs have a size for paper")
	b.do(chromedp.EmulateViewport(1000, 1400))
	b.shoot("print")
	if len(paper) < 20_000 {
		b.Errorf("a PDF of %d bytes", len(paper))
	}
	b.do(chromedp.Evaluate[chromedp.Void](`dispatchEvent(new Event("afterprint"))`))
	b.want(`document.querySelectorAll("#ladder .scroll > svg").length === 1`, "then one piece shows what is in view again")
}

func pageFollowsAddress(b *tab) {
	b.open(1280, 800, upperTalk(1), upperTalk(2))
	b.do(chromedp.Navigate(b.address("talk=2&frame=4")))
	b.wait(`document.querySelector("#segment h2").textContent.startsWith("Frame 4")`)
	b.want(`document.querySelector("h1").textContent.includes(":50002")`, "the second conversation")
	b.do(chromedp.Reload())
	b.want(`document.querySelector("#segment h2").textContent.startsWith("Frame 4")`, "the same after loading it anew")
	// What the page is about to write into its address must not hide what comes from there
	// meanwhile, which the page hears of a little later.
	b.do(chromedp.Evaluate[chromedp.Void](`const press = (key) => document.querySelector("#ladder .scroll").dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
		press("j");
		setTimeout(() => (location.hash = "talk=1&frame=2"), 100);
		setTimeout(() => { for (const end = performance.now() + 200; performance.now() < end; ); }, 90)`))
	b.wait(`document.querySelector("#segment h2").textContent.startsWith("Frame 2")`)
	b.want(`document.querySelector("h1").textContent.includes(":50001")`, "the first conversation")
}

// pictureFits measures every text of a picture in a browser: none leaves the
// picture, and none in the same column covers another.
func pictureFits(b *tab) {
	for name, s := range map[string]*sketch{"upper": upperTalk(1), "bulk": bulkTalk(2, 130), "drama": dramaTalk(3), "datagrams": datagramTalk(4), "hostile": hostileTalk(5)} {
		b.file = filepath.Join(b.TempDir(), name+".svg")
		if err := os.WriteFile(b.file, []byte(drawn(b.T, &s.Talk)), 0o600); err != nil {
			b.Fatal(err)
		}
		b.do(chromedp.EmulateViewport(1060, 1400), chromedp.Navigate(b.address("")))
		b.shoot("svg-" + name)
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
			b.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`location.hash = "talk=%d"`, talk.ID)))
			b.wait(fmt.Sprintf(`document.title.startsWith(%q)`, talk.Ends[0].Addr.String()))
			for _, problem := range eval[[]string](b, everySegment) {
				b.Errorf("%s, conversation %d: %s", name, talk.ID, problem)
			}
			b.shoot(fmt.Sprintf("capture-%s-%d", name, talk.ID))
		}
		if len(talks) == 0 {
			b.want(`document.querySelector("#notice").textContent !== ""`, name+": that there is nothing is said")
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
