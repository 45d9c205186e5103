package board

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"dialtone/observe/pagetest"
	"dialtone/observe/sockets"
	"dialtone/transport/tcp"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestPageInBrowser looks at the page with a real browser, without a screen.
func TestPageInBrowser(t *testing.T) {
	browser := pagetest.Start(t)
	for name, test := range map[string]func(*pagetest.Tab){
		"shows sockets and states":         pageShows,
		"draws every arrow":                pageDraws,
		"moves a dot along its arrows":     pageMoves,
		"explains arrows and changes":      pageExplains,
		"opens a connection":               pageOpens,
		"filters as one types":             pageFilters,
		"sorts by a heading":               pageSorts,
		"pauses and catches up":            pagePauses,
		"sleeps while nobody looks":        pageSleeps,
		"shows trouble only":               pageShowsTrouble,
		"counts a crowd":                   pageCounts,
		"stays quick with 20,000 sockets":  pageIsQuick,
		"comes back after the server":      pageComesBack,
		"is told the end":                  pageEnds,
		"does nothing that names ask for":  pageStaysInert,
		"fits a narrow screen":             pageFitsNarrow,
		"is dark where the reader's is":    pageIsDark,
		"keeps still for those who ask so": pageKeepsStill,
		"is used with keys":                pageTakesKeys,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(browser.Tab(t))
		})
	}
}

// scene is a stage with connections in every state: 38 in ESTABLISHED, 13 in TIME_WAIT.
func scene(b *pagetest.Tab) *stage {
	s := newStage(b, Config{Name: "test"})
	s.put(1, tcp.Listen, nil)
	for id := uint64(2); id < 40; id++ {
		s.put(id, tcp.Established, nil)
	}
	for i, state := range []tcp.State{tcp.SynSent, tcp.SynReceived, tcp.FinWait1, tcp.FinWait2, tcp.CloseWait, tcp.Closing, tcp.LastAck, tcp.TimeWait} {
		s.put(uint64(40+i), state, nil)
	}
	for id := uint64(50); id < 62; id++ {
		s.put(id, tcp.TimeWait, nil)
	}
	s.put(70, tcp.CloseWait, func(r *sockets.Socket) {
		r.Info.Times.SinceAck, r.Watched.Age, r.RecvQueue = 190e9, 190e9, 6
	})
	s.look()
	return s
}

// open opens a stage's page and waits until it shows something.
func (s *stage) open(b *pagetest.Tab, width, height int64) {
	b.Helper()
	b.Open(s.url(), width, height)
	b.Wait(`document.querySelectorAll("#rows .room .line").length > 0`)
}

// inBox says where a dot is: in which box its middle is, or "" on its way.
func inBox(id uint64) string {
	return fmt.Sprintf(`(() => {
		const dot = document.querySelector(".dot[data-id='%d']")?.getBoundingClientRect();
		if (!dot) return "none";
		const [x, y] = [dot.x + dot.width / 2, dot.y + dot.height / 2];
		const box = [...document.querySelectorAll(".state rect")].find((r) => { const b = r.getBoundingClientRect(); return x > b.left && x < b.right && y > b.top && y < b.bottom; });
		return box ? box.parentNode.dataset.box : "";
	})()`, id)
}

func shownRows(b *pagetest.Tab) string { return b.Text("#count") }

func pageShows(b *pagetest.Tab) {
	s := scene(b)
	s.open(b, 1280, 800)
	b.Shoot("board-1280")
	if got := shownRows(b); got != "60 sockets" {
		b.Errorf("%q, want 60 sockets", got)
	}
	b.Want(`document.querySelector("#live").textContent === "live"`, "the page is live")
	b.Want(`location.search === "" && !location.hash.includes("token") && !document.cookie`, "neither address nor script has the key")
	for _, want := range []string{"ESTABLISHED: 38 here", "TIME_WAIT: 13 here", "LISTEN: 1 here", "CLOSE_WAIT: 2 here"} {
		b.Want(fmt.Sprintf(`document.querySelector('.state[aria-label=%q]') !== null`, want), want)
	}
	b.Want(`document.querySelectorAll(".dot").length === 60`, "a dot for each")
	line := b.Text("#rows .room .line")
	for _, want := range []string{"LISTEN", "0.0.0.0:8000", "server/77"} {
		if !strings.Contains(line, want) {
			b.Errorf("the first row is %q, without %s", line, want)
		}
	}
}

// pageDraws holds the figure against the arrows that there are, and measures it: arrows
// begin and end at their boxes, and words stand neither on a box nor on each other.
func pageDraws(b *pagetest.Tab) {
	s := scene(b)
	s.open(b, 1280, 800)
	missing := pagetest.Eval[[]string](b, `fetch("first.json").then((r) => r.json()).then((k) => k.arrows.map((a) => a.pair.join("-")).filter((p) => !document.querySelector('.way:not(.aside)[data-pair="' + p + '"]')))`)
	for _, pair := range missing {
		b.Errorf("no arrow is drawn for %s", pair)
	}
	b.Do(chromedp.Evaluate[chromedp.Void](`app.diagram.tally([...app.diagram.arrows.keys()].map((pair) => [...pair.split("-").map(Number), 123456]))`))
	b.Shoot("board-figure-1280")
	for _, problem := range pagetest.Eval[[]string](b, `(() => {
		const wrong = [], boxes = [...document.querySelectorAll(".state rect")].map((r) => r.getBoundingClientRect());
		const near = (p, r) => p.x > r.left - 6 && p.x < r.right + 6 && p.y > r.top - 6 && p.y < r.bottom + 6;
		const cross = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
		const figure = document.querySelector("#diagram svg").getBoundingClientRect();
		for (const way of document.querySelectorAll(".way")) {
			const line = way.querySelector(".line"), at = (n) => line.getPointAtLength(n).matrixTransform(line.getScreenCTM()), length = line.getTotalLength();
			for (const [end, p] of [["start", at(0)], ["end", at(length)]]) if (!boxes.some((r) => near(p, r))) wrong.push(way.dataset.pair + " has no box at its " + end);
			for (let n = 8; n < length - 8; n += 4) if (boxes.some((r) => { const p = at(n); return p.x > r.left + 1 && p.x < r.right - 1 && p.y > r.top + 1 && p.y < r.bottom - 1; })) { wrong.push(way.dataset.pair + " goes through a box"); break; }
		}
		const words = [...document.querySelectorAll(".words")].map((t) => [t.parentNode.dataset.pair, t.getBoundingClientRect()]);
		for (const [pair, w] of words) {
			if (boxes.some((r) => cross(w, r))) wrong.push("the words of " + pair + " stand on a box");
			if (w.left < figure.left || w.right > figure.right) wrong.push("the words of " + pair + " leave the figure");
			for (const [other, v] of words) if (pair < other && cross(w, v)) wrong.push("the words of " + pair + " and " + other + " stand on each other");
		}
		return wrong;
	})()`) {
		b.Error(problem)
	}
}

func pageMoves(b *pagetest.Tab) {
	s := scene(b)
	s.open(b, 1280, 800)
	for _, step := range []struct {
		to  tcp.State
		box string
	}{{tcp.FinWait1, "5"}, {tcp.FinWait2, "6"}, {tcp.TimeWait, "10"}, {tcp.Closed, "end"}} {
		s.move(5, step.to)
		b.Wait(inBox(5) + ` === ""`) // on its way
		b.Shoot("board-moves-" + step.to.String())
		b.Wait(inBox(5) + ` === "` + step.box + `"`)
	}
	for _, pair := range []string{"4-5", "5-6", "6-10", "10-11"} {
		b.Want(fmt.Sprintf(`document.querySelector('.way[data-pair="%s"] .count').textContent === " ×1"`, pair), pair+" is counted")
	}
	b.Wait(`document.querySelectorAll("#changes .change").length === 4`)
	if got := b.Text("#changes .change"); !strings.Contains(got, "TIME_WAIT") || !strings.Contains(got, "CLOSED") {
		b.Errorf("the latest change is %q", got)
	}

	s.put(5000, tcp.SynSent, nil) // three steps at once, then one that the figure leaves out
	s.move(5000, tcp.Established)
	s.move(5000, tcp.CloseWait)
	s.move(5000, tcp.LastAck)
	b.Wait(inBox(5000) + ` === "9"`)
	s.move(6, tcp.Closed)
	b.Wait(inBox(6) + ` === "end"`)
	b.Want(`!document.querySelector('.way[data-pair="4-11"]').hasAttribute("hidden")`, "the arrow of a reset is drawn once there was one")
	b.Shoot("board-moved-1280")
}

func pageExplains(b *pagetest.Tab) {
	s := scene(b)
	s.open(b, 1280, 800)
	s.move(7, tcp.CloseWait)
	b.Wait(`document.querySelectorAll("#changes .change").length === 1`)
	b.Click(`.way[data-pair="4-7"] .words`, .5, .2)
	b.Wait(`document.querySelector("#detail .counted")?.textContent !== ""`)
	for _, want := range []string{"ESTABLISHED → CLOSE_WAIT", "FIN arrives", "what goes out: ACK", "RFC 9293 §3.10.7.4", "1 time on this machine", "192.0.2.1:40007"} {
		if got := b.Text("#detail"); !strings.Contains(got, want) {
			b.Errorf("the arrow says %q, without %q", got, want)
		}
	}
	b.Shoot("board-arrow-1280")
	s.move(8, tcp.CloseWait)
	b.Wait(`document.querySelector("#detail .counted").textContent.startsWith("2 times")`)
	b.Do(chromedp.KeyEvent(kb.Escape))
	b.Wait(`document.querySelector("#detail").hidden`)

	s.move(9, tcp.FinWait1)
	b.Wait(`document.querySelectorAll("#changes .change").length === 3`)
	b.Click("#changes .change .ends", .3, .5)
	b.Wait(`document.querySelector("#detail .one .step") !== null && document.querySelector("#detail .why") !== null`)
	b.Want(`document.querySelector("#detail .why").textContent.includes("close()") && document.querySelector("#detail .why").textContent.includes("FIN")`, "the call that made the change, and what it sends")
	b.Want(`document.querySelector('.way[data-pair="4-5"]').getAttribute("aria-pressed") === "true"`, "the figure shows which arrow it was")
	b.Click("#detail .one .step", .3, .5)
	b.Wait(`document.querySelector("#detail h2").textContent.startsWith("192.0.2.1:40009")`)

	b.Click(`.state[data-box="7"] .name`, .5, .5)
	b.Wait(`document.querySelector("#detail h2").textContent === "CLOSE_WAIT"`)
	b.Want(`document.querySelector("#detail").textContent.includes("4 here now")`, "a state says who is in it")
	b.Shoot("board-state-1280")
}

func pageOpens(b *pagetest.Tab) {
	s := scene(b)
	s.open(b, 1280, 800)
	b.Click(byID(".dot", 70), .5, .5)
	b.Wait(`document.querySelector("#detail .plot .curve.end0")?.getAttribute("d")?.length > 100`)
	b.Shoot("board-connection-1280")
	for _, want := range []string{"192.0.2.1:40070 → 198.51.100.7:8000", "CLOSE_WAIT", "! CLOSE_WAIT for 3 min: pid 812 got the peer's FIN and never closed", "Round trips", "recv queue 6 B", "congestion window", "10 segments", "dialtone trace -i any"} {
		if got := b.Text("#detail"); !strings.Contains(got, want) {
			b.Errorf("the connection has no %q", want)
		}
	}
	b.Want(`document.querySelector("#rows .line.opened").dataset.id === "70"`, "its row is marked")
	s.move(70, tcp.LastAck)
	b.Wait(`document.querySelectorAll("#detail .steps li").length === 1`)
	if got := b.Text("#detail .steps"); !strings.Contains(got, "CLOSE_WAIT → LAST_ACK") || !strings.Contains(got, "close()") {
		b.Errorf("its history says %q", got)
	}
	s.move(70, tcp.Closed)
	b.Wait(`document.querySelector("#detail .facts").textContent.includes("it is gone")`)
	b.Do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#detail .figures").scrollIntoView()`))
	b.Shoot("board-figures-1280")
	b.Click("#rows .line[data-id='61']", .5, .5)
	b.Wait(`document.querySelector("#detail h2").textContent !== "192.0.2.1:40070 → 198.51.100.7:8000"`)
}

func pageFilters(b *pagetest.Tab) {
	s := scene(b)
	s.open(b, 1280, 800)
	b.Do(chromedp.Focus("#filter"), chromedp.KeyEvent("state close-wait or pid 77"))
	b.Wait(`document.querySelector("#count").textContent === "3 of 60 sockets"`)
	b.Want(`document.querySelectorAll(".dot").length === 3`, "the figure shows the same")
	b.Want(`location.hash.includes("close-wait")`, "the address keeps it")
	b.Do(chromedp.KeyEvent(" and prt 8"))
	b.Wait(`!document.querySelector("#wrong").hidden`)
	b.Shoot("board-wrong-1280")
	if got := b.Text("#wrong mark"); got != "prt" {
		b.Errorf("marked is %q, want prt: %s", got, b.Text("#wrong"))
	}
	if got := b.Text("#wrong"); !strings.Contains(got, "expected a process's number") {
		b.Errorf("what is wrong is said as %q", got)
	}
	if got := shownRows(b); got != "3 of 60 sockets" {
		b.Errorf("a wrong filter changes what is shown to %q", got)
	}
	s.move(44, tcp.LastAck)
	b.Wait(`document.querySelector("#count").textContent === "2 of 60 sockets"`) // the old filter goes on
	b.Do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#filter").value = ""`), chromedp.KeyEvent("\r"))
	b.Wait(`document.querySelector("#count").textContent === "60 sockets" && document.querySelector("#wrong").hidden`)
	b.Want(`document.querySelectorAll("#changes .change").length === 1`, "changes that the filter takes, from before it")
}

// cells are the texts of a column, of the rows in view.
func cells(b *pagetest.Tab, column string) []string {
	return pagetest.Eval[[]string](b, fmt.Sprintf(`[...document.querySelectorAll("#rows .room .line")].sort((a, b) => a.dataset.index - b.dataset.index).map((r) => r.querySelector(".%s").textContent)`, column))
}

func pageSorts(b *pagetest.Tab) {
	s := scene(b)
	s.open(b, 1280, 800)
	b.Do(chromedp.Click(`#rows [data-sort="rtt"]`))
	if got := cells(b, "rtt"); got[0] != "21.9 ms" || got[1] != "14.4 ms" {
		b.Errorf("by RTT: %q", got)
	}
	b.Want(`document.querySelector('#rows [data-sort="rtt"]').getAttribute("aria-label") === "RTT, sorted downwards"`, "a screen reader is told")
	s.put(99, tcp.Established, func(r *sockets.Socket) { r.Info.RTT.Smooth = 3e9 })
	s.look()
	b.Wait(`document.querySelector("#rows .room [data-index='0'] .rtt").textContent === "3 s"`)
	b.Do(chromedp.Click(`#rows [data-sort="rtt"]`))
	b.Wait(`document.querySelector("#rows .room [data-index='0'] .rtt").textContent === "–"`)
	b.Do(chromedp.Click(`#rows [data-sort="local"]`))
	if got := cells(b, "local"); got[0] != "0.0.0.0:8000" || got[1] != "192.0.2.1:40002" || got[9] != "192.0.2.1:40010" {
		b.Errorf("by address: %q", got)
	}
	b.Do(chromedp.Click(`#rows [data-sort="local"]`), chromedp.Click(`#rows [data-sort="local"]`))
	b.Want(`document.querySelector("#rows [aria-pressed=true]") === null`, "the third click goes back to the order in which they came")
}

func pagePauses(b *pagetest.Tab) {
	s := scene(b)
	s.open(b, 1280, 800)
	b.Do(chromedp.Click("#pause"))
	b.Wait(`document.querySelector("#live").textContent === "paused"`)
	for id := uint64(10); id < 15; id++ {
		s.move(id, tcp.CloseWait)
	}
	s.look()
	b.Do(chromedp.Click(`#rows [data-sort="rtt"]`)) // what is there can still be used
	b.Want(`document.querySelectorAll("#changes .change").length === 0`, "nothing changes")
	b.Want(`document.querySelector('.state[data-box="7"]').getAttribute("aria-label") === "CLOSE_WAIT: 2 here"`, "nothing changes in the figure")
	b.Do(chromedp.Click("#pause"))
	b.Wait(`document.querySelectorAll("#changes .change").length === 5`)
	b.Wait(`document.querySelector("#notice").textContent.includes("5 changes of state")`)
	b.Wait(`document.querySelector('.state[data-box="7"]').getAttribute("aria-label") === "CLOSE_WAIT: 7 here"`)
	b.Shoot("board-after-pause-1280")
}

func pageSleeps(b *pagetest.Tab) {
	s := scene(b)
	s.open(b, 1280, 800)
	look := func(hidden bool) {
		b.Do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`app.napAfter = 10;
			Object.defineProperty(document, "hidden", { configurable: true, get: () => %v });
			document.dispatchEvent(new Event("visibilitychange"))`, hidden)))
	}
	look(true)
	b.Wait(`app.asleep`)
	for end := time.Now().Add(time.Minute); s.board.streams.Load() > 0 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	if n := s.board.streams.Load(); n > 0 {
		b.Errorf("%d streams go to a page that nobody looks at", n)
	}
	s.move(10, tcp.CloseWait)
	s.move(11, tcp.CloseWait)
	look(false)
	b.Wait(`document.querySelector("#notice").textContent.includes("2 changes of state")`)
	b.Wait(inBox(10) + ` === "7"`)
}

func pageShowsTrouble(b *pagetest.Tab) {
	s := scene(b)
	s.board.config.Filter, s.board.config.Trouble = "state listen or state close-wait", true
	s.open(b, 1280, 800)
	b.Want(`document.querySelector("#filter").value === "state listen or state close-wait"`, "a page begins with the command line's filter")
	b.Wait(`document.querySelector("#count").textContent === "2 of 60 sockets"`)
	b.Want(`document.querySelector("#rows .line[data-id='70'] .off").textContent === "! CLOSE_WAIT for 3 min: pid 812 got the peer's FIN and never closed"`, "what is off stands in the row")
	b.Shoot("board-trouble-1280")
	b.Do(chromedp.Click("#trouble"))
	b.Wait(`document.querySelector("#count").textContent === "3 of 60 sockets"`)
	b.Do(chromedp.Reload())
	b.Wait(`document.querySelector("#count")?.textContent === "3 of 60 sockets"`) // the address has what was chosen since
}

func pageCounts(b *pagetest.Tab) {
	s := newStage(b, Config{})
	for id := uint64(1); id <= 100; id++ {
		s.put(id, tcp.Established, nil)
	}
	s.look()
	s.open(b, 1280, 800)
	b.Want(`document.querySelectorAll(".dot").length === 100`, "a hundred are drawn")
	b.Shoot("board-hundred-1280")
	s.put(101, tcp.Established, nil)
	s.look()
	b.Wait(`document.querySelectorAll(".dot").length === 0`)
	b.Want(`document.querySelector('.state[data-box="4"] .crowd').textContent === "101"`, "more are counted")
	s.move(3, tcp.FinWait1)
	s.move(4, tcp.FinWait1)
	b.Wait(inBox(3) + ` === "5"`)
	b.Wait(`document.querySelectorAll(".dot").length === 101`)
}

// pageIsQuick counts what a page of 20,000 sockets draws: time says little on a machine
// that has much else to do.
func pageIsQuick(b *pagetest.Tab) {
	s := newStage(b, Config{})
	for id := uint64(1); id <= 20_000; id++ {
		s.put(id, tcp.State(2+id%9), nil)
	}
	s.look()
	s.open(b, 1280, 800)
	b.Wait(`document.querySelector("#count").textContent === "20,000 sockets"`)
	b.Do(chromedp.Focus("#rows .scroll"), chromedp.KeyEvent(kb.End))
	b.Wait(`document.querySelector("#rows-19999") !== null`)
	b.Want(`document.querySelectorAll("#rows .room .line").length < 60`, "of the table only what is in view is in the page")
	b.Want(`document.querySelectorAll("*").length < 1500`, "the page has few elements")
	b.Do(chromedp.Click(`#rows [data-sort="rtt"]`), chromedp.KeyEvent(kb.Home))
	b.Log("sorting and drawing takes", pagetest.Eval[float64](b, `(() => { const t = performance.now(); for (let i = 0; i < 5; i++) app.table.show(); return (performance.now() - t) / 5; })()`), "ms")
	for id := uint64(1); id <= 2000; id++ {
		s.move(id, tcp.Closed)
	}
	b.Wait(`document.querySelector("#changes .left")?.textContent.includes("not listed")`)
	b.Want(`document.querySelectorAll(".dot").length < 1300`, "few dots")
	b.Shoot("board-many-1280")
}

func pageComesBack(b *pagetest.Tab) {
	b.Allow("ERR_") // CONNECTION_REFUSED, which is what this is about
	s := scene(b)
	s.open(b, 1280, 800)
	s.move(20, tcp.CloseWait)
	b.Wait(`document.querySelectorAll("#changes .change").length === 1`)
	s.end()
	b.Wait(`document.querySelector("#live").dataset.is === "ended" || document.querySelector("#live").dataset.is === "away"`)
	for id := uint64(21); id < 24; id++ {
		s.move(id, tcp.CloseWait)
	}
	s.look()
	b.Want(`document.querySelectorAll("#rows .room .line").length > 5`, "what was there last stays to be read")
	s.serve(s.addr)
	b.Wait(`document.querySelector("#live").dataset.is === "live"`)
	b.Wait(`document.querySelector("#notice").textContent.includes("3 changes of state, all in the list")`)
	b.Want(`document.querySelectorAll("#changes .change").length === 4`, "none is missing, none there twice")
	b.Shoot("board-back-1280")

	s.end()
	b.Wait(`document.querySelector("#live").dataset.is !== "live"`)
	s.put(9000, tcp.Established, nil)
	for i := range 2 * maxJournal {
		s.move(9000, []tcp.State{tcp.FinWait1, tcp.Established}[i%2])
	}
	s.serve(s.addr)
	b.Wait(fmt.Sprintf(`document.querySelector("#notice").textContent.includes("16,384 changes of state, of which %d,%d are not in the list")`, (2*maxJournal-maxChanges)/1000, (2*maxJournal-maxChanges)%1000))
}

func pageEnds(b *pagetest.Tab) {
	b.Allow("ERR_")
	b.Allow("403")
	s := scene(b)
	s.open(b, 1280, 800)
	s.end()
	b.Wait(`document.querySelector("#live").textContent.includes("has ended") || document.querySelector("#live").dataset.is === "away"`)
	b.Shoot("board-ended-1280")
	other := newStage(b, Config{})
	addr := s.addr
	other.end()
	other.serve(addr)
	b.Wait(`document.querySelector("#live").textContent.includes("another dialtone watch runs there")`)
}

func pageStaysInert(b *pagetest.Tab) {
	s := newStage(b, Config{Name: `<img src=x onerror="owned=1">`})
	s.put(1, tcp.Established, func(r *sockets.Socket) {
		r.Processes = []sockets.Process{{PID: 1, Name: `<script>owned=1`}, {PID: 2, Name: "\u202etxt\x1b[2J"}}
		r.User, r.Interface, r.Congestion = `"><b>`, "<i>", "</script>"
	})
	s.put(2, tcp.CloseWait, nil)
	s.rows[2].Network, s.rows[2].Path, s.rows[2].State = "unix", "/run/<b>\u2066x\"'", sockets.Connected
	s.look()
	s.open(b, 1280, 800)
	b.Click("#rows .room .line", .5, .5)
	b.Wait(`document.querySelectorAll("#detail .group").length > 3`)
	b.Shoot("board-hostile-1280")
	b.Want(`window.owned === undefined`, "no name ran")
	b.Want(`document.querySelectorAll("script").length === 1 && document.querySelectorAll("img, b:not([class]):not(.key b):not(#detail b)").length === 0`, "no name became markup")
	for _, want := range []string{`<script>owned=1`, `\u202etxt\x1b[2J`} {
		if got := b.Text("#rows .room"); !strings.Contains(got, want) {
			b.Errorf("the table says %q, without %s", got, want)
		}
	}
	b.Want(`!/[\u202a-\u202e\u2066-\u2069\x1b]/.test(document.body.textContent)`, "nothing turns text round")
}

func pageFitsNarrow(b *pagetest.Tab) {
	s := scene(b)
	s.open(b, 390, 844)
	s.move(5, tcp.CloseWait)
	b.Wait(`document.querySelectorAll("#changes .change").length > 0`)
	for _, view := range []string{"diagram", "rows", "changes"} {
		b.Do(chromedp.Click(fmt.Sprintf(`nav [data-show=%q]`, view)))
		b.Shoot("board-390-" + view)
		b.Want(`document.documentElement.scrollWidth <= 390`, "nothing is wider than the screen: "+view)
		b.Want(fmt.Sprintf(`[...document.querySelectorAll("main > section")].filter((s) => s.offsetParent).map((s) => s.id).join() === %q`, view), "one view at a time")
	}
	b.Do(chromedp.Click(`nav [data-show="diagram"]`))
	b.Click(byID(".dot", 70), .5, .5)
	b.Wait(`document.querySelector("#detail .plot .curve.end0")?.getAttribute("d")?.length > 100`)
	b.Shoot("board-390-connection")
	b.Want(`document.documentElement.scrollWidth <= 390`, "nothing is wider than the screen: connection")
	b.Do(chromedp.Click("#detail .close"))
	b.Want(`document.querySelector("#diagram").offsetParent !== null`, "back to where one was")
	b.Do(chromedp.Click("#trouble"), chromedp.Click(`nav [data-show="rows"]`))
	b.Wait(`document.querySelectorAll("#rows .room .line").length === 2`)
	b.Shoot("board-390-trouble")
}

func pageIsDark(b *pagetest.Tab) {
	s := scene(b)
	s.open(b, 1280, 800)
	paper := `getComputedStyle(document.body).backgroundColor`
	light := pagetest.Eval[string](b, paper)
	b.Prefer("prefers-color-scheme", "dark")
	if now := pagetest.Eval[string](b, paper); now == light {
		b.Errorf("on a dark screen the paper is %s as well", now)
	}
	b.Click(byID(".dot", 70), .5, .5)
	b.Wait(`document.querySelector("#detail .plot .curve.end0")?.getAttribute("d")?.length > 100`)
	b.Shoot("board-dark-1280")
}

func pageKeepsStill(b *pagetest.Tab) {
	b.Prefer("prefers-reduced-motion", "reduce")
	s := scene(b)
	s.open(b, 1280, 800)
	b.Do(chromedp.Evaluate[chromedp.Void](`window.seen = new Set(); new MutationObserver(() => seen.add(` + inBox(5) + `)).observe(document.querySelector(".dots"), { subtree: true, attributes: true, childList: true })`))
	s.move(5, tcp.CloseWait)
	b.Wait(inBox(5) + ` === "7"`)
	b.Want(`!seen.has("")`, "no dot is ever between two states")
}

func pageTakesKeys(b *pagetest.Tab) {
	s := scene(b)
	s.open(b, 1280, 800)
	b.Do(chromedp.Focus("#rows .scroll"), chromedp.KeyEvent("jjj"), chromedp.KeyEvent("\r"))
	b.Wait(`document.querySelector("#detail h2")?.textContent.startsWith("192.0.2.1:40003")`)
	b.Want(`document.querySelector("#rows .scroll").getAttribute("aria-activedescendant") === "rows-2"`, "a screen reader is told which row")
	b.Do(chromedp.KeyEvent(kb.Escape))
	b.Wait(`document.querySelector("#detail").hidden`)
	b.Do(chromedp.KeyEvent("k"), chromedp.KeyEvent("\r")) // the keys go to the list again
	b.Wait(`document.querySelector("#detail h2")?.textContent.startsWith("192.0.2.1:40002")`)
	b.Do(chromedp.KeyEvent(kb.Escape), chromedp.Focus(`.way[data-pair="2-4"]`), chromedp.KeyEvent("\r"))
	b.Wait(`document.querySelector("#detail h2")?.textContent === "SYN_SENT → ESTABLISHED"`)
	b.Do(chromedp.KeyEvent(kb.Escape), chromedp.KeyEvent("/"))
	b.Want(`document.activeElement.id === "filter"`, "/ goes to the filter")
	b.Do(chromedp.Evaluate[chromedp.Void](`document.activeElement.value = ""`), chromedp.KeyEvent("port 1")) // a key pressed by the protocol types its letter whatever the page says
	b.Wait(`document.querySelector("#count").textContent === "0 of 60 sockets" && !document.querySelector("#rows .empty").hidden`)
}
