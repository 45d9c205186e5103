package board

import (
	"testing"

	"dialtone/observe/pagetest"
	"dialtone/observe/sockets"
	"dialtone/transport/tcp"
)

// TestPageInBrowser looks at the page with a real browser, without a screen.
func TestPageInBrowser(t *testing.T) {
	browser := pagetest.Start(t)
	for name, test := range map[string]func(*pagetest.Tab){
		"shows sockets and states": pageShows,
	} {
		t.Run(name, func(t *testing.T) { test(browser.Tab(t)) })
	}
}

// scene is a stage with a few connections in many states.
func scene(b *pagetest.Tab) *stage {
	s := newStage(b, Config{Name: "test"})
	s.put(1, tcp.Listen, nil)
	for id := uint64(2); id < 40; id++ {
		s.put(id, tcp.Established, nil)
	}
	states := []tcp.State{tcp.SynSent, tcp.SynReceived, tcp.FinWait1, tcp.FinWait2, tcp.CloseWait, tcp.Closing, tcp.LastAck, tcp.TimeWait}
	for i, state := range states {
		s.put(uint64(40+i), state, nil)
	}
	for id := uint64(50); id < 62; id++ {
		s.put(id, tcp.TimeWait, nil)
	}
	s.put(70, tcp.CloseWait, func(r *sockets.Socket) {
		r.Info.Times.SinceAck = 190e9
		r.Watched.Age = 190e9
		r.RecvQueue = 6
	})
	s.look()
	return s
}

func pageShows(b *pagetest.Tab) {
	s := scene(b)
	b.Open(s.url(), 1280, 800)
	b.Wait(`document.querySelectorAll("#rows .room .line").length > 5`)
	b.Shoot("board-1280")
	for _, step := range []tcp.State{tcp.FinWait1, tcp.FinWait2, tcp.TimeWait} {
		s.move(5, step)
	}
	b.Wait(`document.querySelectorAll("#changes .change").length > 2`)
	b.Shoot("board-move-1280")
	b.Click(byID(".dot", 70), .5, .5)
	b.Wait(`document.querySelector("#detail .plot .curve.end0")?.getAttribute("d")?.length > 100`)
	b.Shoot("board-connection-1280")
	b.Click(`.way[data-pair="4-7"] .words`, .5, .2)
	b.Wait(`document.querySelector("#detail .counted")?.textContent !== ""`)
	b.Shoot("board-arrow-1280")
}
