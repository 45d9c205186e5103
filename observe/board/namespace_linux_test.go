package board

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"dialtone/link/cable"
	"dialtone/observe/live"
	"dialtone/observe/pagetest"
	"dialtone/observe/sockets"

	"github.com/chromedp/chromedp"
)

// TestARealConnectionInBrowser makes a connection between two network namespaces and sees its
// client walk through its states on the page: opened, written to, closed by the client first.
func TestARealConnectionInBrowser(t *testing.T) {
	browser := pagetest.Start(t)
	line, err := cable.Open(cable.Both(cable.Direction{Delay: 20 * time.Millisecond}))
	if errors.Is(err, os.ErrPermission) || errors.Is(err, os.ErrNotExist) {
		t.Skip("needs root and TAP devices:", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := line.Close(); err != nil {
			t.Error(err)
		}
	})
	s := watchNamespace(t, line.A)
	b := browser.Tab(t)
	b.Open(s.url(), 1280, 800)
	b.Wait(`document.querySelector("#live")?.dataset.is === "live"`)

	var l net.Listener
	var c net.Conn
	if err := line.B.Do(func() (err error) { l, err = net.Listen("tcp4", line.B.Addr.String()+":8000"); return err }); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := line.A.Do(func() (err error) { c, err = net.Dial("tcp4", l.Addr().String()); return err }); err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	b.Wait(`document.querySelector('.state[data-box="4"]').getAttribute("aria-label") === "ESTABLISHED: 1 here"`)
	b.Wait(`document.querySelectorAll(".dot").length === 1`)
	id := pagetest.Eval[string](b, `document.querySelector(".dot").dataset.id`)
	b.Wait(boxOf(id) + ` === "4"`)

	b.Do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`app.open(%s)`, id)))
	b.Wait(`document.querySelectorAll("#detail .steps li").length >= 1`)
	var both sync.WaitGroup
	both.Go(func() { io.Copy(io.Discard, peer) })
	for range 40 {
		if _, err := c.Write(make([]byte, 32<<10)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
	b.Wait(`document.querySelector("#detail .plot .curve.end0").getAttribute("d").length > 100`)
	b.Shoot("board-real-connection")

	b.Want(`!document.querySelector("#detail .trace").textContent.includes("dialtone trace")`, "from here trace sees nothing of it")
	c.(*net.TCPConn).CloseWrite()
	both.Wait()
	b.Wait(boxOf(id) + ` === "6"`) // the other end has not closed
	peer.Close()
	b.Wait(boxOf(id) + ` === "10"`)
	b.Shoot("board-real-closed")
	got := strings.Join(pagetest.Eval[[]string](b, `[...document.querySelectorAll("#changes .change")].reverse().map((n) => n.querySelector(".from").textContent + " " + n.querySelector(".to").textContent)`), ", ")
	if s.view.Snapshot().Source.Exact && got != "CLOSED SYN_SENT, SYN_SENT ESTABLISHED, ESTABLISHED FIN_WAIT_1, FIN_WAIT_1 FIN_WAIT_2, FIN_WAIT_2 TIME_WAIT" {
		t.Errorf("the changes are %s", got)
	}
	b.Click(`.way[data-pair="5-6"] .words`, .5, .5)
	b.Wait(`document.querySelector("#detail .counted")?.textContent.startsWith("1 time")`)
	b.Want(`document.querySelector("#detail .latest, #detail .steps").textContent.includes(":8000")`, "the arrow knows of this connection")
}

func boxOf(id string) string {
	var n uint64
	fmt.Sscan(id, &n)
	return inBox(n)
}

// watchNamespace serves the page of what is in one end's namespace.
func watchNamespace(t *testing.T, e *cable.End) *stage {
	t.Helper()
	view, err := live.Open(live.Config{Netns: e.Netns(), Every: 50 * time.Millisecond, Query: sockets.Query{Info: true, Memory: true, Owners: true}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- view.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-done, view.Close()); err != nil {
			t.Error(err)
		}
	})
	s := &stage{TB: t, view: view, board: New(view, Config{Name: "one end", Elsewhere: true})}
	s.serve("127.0.0.1:0")
	return s
}
