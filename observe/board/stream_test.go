package board

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"dialtone/observe/sockets"
	"dialtone/transport/tcp"
)

// event is one message of a stream.
type event struct {
	name string
	Run  string
	Last, Skipped, Missed,
	Match, All uint64
	Again   bool
	Set     [][]any
	Gone    []uint64
	Changes [][]any
	Arrows  [][3]uint64
	Text    string
	At      int
	Length  int
}

// reader reads a stream.
type reader struct {
	*visitor
	lines *bufio.Scanner
	stop  context.CancelFunc
}

func (v *visitor) stream(question url.Values) *reader {
	v.Helper()
	ctx, stop := context.WithCancel(context.Background())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, v.inside("events?"+question.Encode()), nil)
	if err != nil {
		v.Fatal(err)
	}
	answer, err := v.client.Do(request)
	if err != nil {
		v.Fatal(err)
	}
	if got := answer.Header.Get("Content-Type"); answer.StatusCode != http.StatusOK || got != "text/event-stream" {
		v.Fatalf("%s, %s", answer.Status, got)
	}
	v.Cleanup(func() { stop(); answer.Body.Close() })
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 64<<20)
	return &reader{v, lines, stop}
}

// next returns the next message that says something.
func (r *reader) next() event {
	r.Helper()
	var e event
	for r.lines.Scan() {
		line := r.lines.Text()
		switch name, data, _ := strings.Cut(line, ": "); name {
		case "event":
			e.name = data
		case "data":
			if err := json.Unmarshal([]byte(data), &e); err != nil {
				r.Fatalf("%v: %s", err, data)
			}
		case "":
			return e
		}
	}
	r.Fatalf("the stream ends: %v", r.lines.Err())
	return e
}

// until returns the first message for which ok is true.
func (r *reader) until(ok func(event) bool) event {
	r.Helper()
	for {
		if e := r.next(); ok(e) {
			return e
		}
	}
}

func TestAStreamBeginsWithAllAndGoesOnWithWhatDiffers(t *testing.T) {
	t.Parallel()
	s := newStage(t, Config{})
	for id := uint64(1); id <= 3; id++ {
		s.put(id, tcp.Established, nil)
	}
	s.look()
	r := s.visitor().enter().stream(nil)
	whole := r.next()
	if whole.name != "whole" || len(whole.Set) != 3 || whole.Match != 3 || whole.All != 3 || whole.Again {
		t.Fatalf("%+v", whole)
	}
	s.put(2, tcp.Established, func(row *sockets.Socket) { row.RecvQueue = 17 })
	s.look()
	more := r.until(func(e event) bool { return len(e.Set) > 0 })
	if more.name != "more" || len(more.Set) != 1 || more.Set[0][0] != 2.0 || more.Set[0][7] != 17.0 {
		t.Errorf("one row has changed: %+v", more)
	}
	s.look()
	s.move(3, tcp.CloseWait)
	more = r.until(func(e event) bool { return len(e.Changes) > 0 })
	if len(more.Set) != 1 || more.Set[0][0] != 3.0 || more.Set[0][1] != float64(tcp.CloseWait) || len(more.Changes) != 1 || more.Last != 1 || fmt.Sprint(more.Arrows) != "[[4 7 1]]" {
		t.Errorf("one row has moved: %+v", more)
	}
	s.mu.Lock()
	s.rows[1].Network = "udp" // which is gone once the table has it no more
	s.mu.Unlock()
	s.look()
	s.mu.Lock()
	delete(s.rows, 1)
	s.mu.Unlock()
	s.look()
	if e := r.until(func(e event) bool { return len(e.Set) > 0 && e.Set[0][0] == 1.0 }); e.Set[0][15] == 0.0 {
		t.Errorf("a row that is gone is marked: %+v", e)
	}
}

func TestAStreamIsFiltered(t *testing.T) {
	t.Parallel()
	s := newStage(t, Config{})
	s.put(1, tcp.Listen, nil)
	s.put(2, tcp.CloseWait, nil)
	s.put(3, tcp.Established, nil)
	s.look()
	v := s.visitor().enter()
	r := v.stream(url.Values{"filter": {"state established"}})
	if e := r.next(); len(e.Set) != 1 || e.Set[0][0] != 3.0 || e.All != 3 {
		t.Fatalf("%+v", e)
	}
	s.move(2, tcp.LastAck)  // not for this one
	s.move(3, tcp.FinWait1) // leaves it
	e := r.until(func(e event) bool { return len(e.Gone) > 0 })
	if fmt.Sprint(e.Gone) != "[3]" || len(e.Changes) != 1 || e.Last != 2 {
		t.Errorf("%+v", e)
	}
	if e := v.stream(url.Values{"trouble": {"1"}, "filter": {"tcp"}}).next(); len(e.Set) != 0 {
		t.Errorf("nothing is off, and yet %+v", e)
	}
	for filter, want := range map[string]event{
		"port 80 and (prt": {At: 13, Length: 3},
		"port":             {At: 4},
		"tcp or not unix":  {}, // this view has none
	} {
		e := v.stream(url.Values{"filter": {filter}}).next()
		if e.name != "wrong" || e.Text == "" || e.Length != want.Length {
			t.Errorf("%q: %+v, want %+v", filter, e, want)
		}
		if want.Length > 0 && e.At != want.At {
			t.Errorf("%q is wrong at %d, want %d", filter, e.At, want.At)
		}
	}
	if e := v.stream(url.Values{"filter": {strings.Repeat("(", maxFilter+1)}}).next(); e.name != "wrong" {
		t.Errorf("a very long filter: %+v", e)
	}
}

// TestWhoWasAwayIsToldTheRest, or how many it missed.
func TestWhoWasAwayIsToldTheRest(t *testing.T) {
	t.Parallel()
	s := newStage(t, Config{})
	s.put(1, tcp.Established, nil)
	s.look()
	v := s.visitor().enter()
	r := v.stream(nil)
	first := r.next()
	s.move(1, tcp.FinWait1)
	last := r.until(func(e event) bool { return e.Last == 1 })
	r.stop()
	s.move(1, tcp.FinWait2)
	s.move(1, tcp.TimeWait)
	again := v.stream(url.Values{"after": {fmt.Sprintf("%s.%d", first.Run, last.Last)}}).next()
	if !again.Again || len(again.Changes) != 2 || again.Changes[0][0] != 2.0 || again.Skipped != 0 || len(again.Set) != 1 {
		t.Errorf("after one of three: %+v", again)
	}
	for i := range maxJournal + 100 {
		s.move(1, []tcp.State{tcp.Established, tcp.CloseWait}[i%2])
	}
	again = v.stream(url.Values{"after": {fmt.Sprintf("%s.%d", first.Run, last.Last)}}).next()
	if got := uint64(len(again.Changes)) + again.Skipped; got != maxJournal+102 || len(again.Changes) != maxChanges {
		t.Errorf("%d changes and %d skipped, want %d together", len(again.Changes), again.Skipped, maxJournal+102)
	}
	for _, after := range []string{"other.1", "garbage", first.Run + ".99999999", first.Run + ".x"} {
		if e := v.stream(url.Values{"after": {after}}).next(); e.Again || e.Skipped != 0 {
			t.Errorf("after %q: %+v", after, e)
		}
	}
}

// TestASlowPageHoldsNothingUp: one that never reads costs its own connection and no more;
// what happens is counted all the same, and others hear of it.
func TestASlowPageHoldsNothingUp(t *testing.T) {
	t.Parallel()
	s := newStage(t, Config{})
	for id := uint64(1); id <= 3000; id++ {
		s.put(id, tcp.Established, nil)
	}
	s.look()
	v := s.visitor().enter()
	slow, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	slow.(*net.TCPConn).SetReadBuffer(4096)
	fmt.Fprintf(slow, "GET %sevents HTTP/1.1\r\nHost: %s\r\nCookie: %s=%s\r\n\r\n", s.board.keys.path, s.addr, cookieName, s.board.keys.cookie)
	r := v.stream(nil)
	r.next()
	const rounds = 4
	for i := range rounds {
		for id := uint64(1); id <= 3000; id++ {
			s.move(id, []tcp.State{tcp.CloseWait, tcp.Established}[i%2])
		}
	}
	e := r.until(func(e event) bool { return e.Last+e.Missed == rounds*3000 })
	t.Log("counted", e.Last, "missed", e.Missed)
	if got := len(s.board.journal.latestOf(pair{sockets.State(tcp.Established), sockets.State(tcp.CloseWait)})); got != maxLatest {
		t.Errorf("%d of the latest are kept", got)
	}
}

func TestPagesAreBounded(t *testing.T) {
	t.Parallel()
	s := newStage(t, Config{})
	s.look()
	v := s.visitor().enter()
	var list []*reader
	for range maxStreams {
		list = append(list, v.stream(nil))
	}
	for _, name := range []string{"events", "connection?id=1"} {
		if _, body := v.get(v.inside(name)); !strings.HasPrefix(body, "event: full\n") {
			t.Errorf("one page more than %d: %q", maxStreams, body)
		}
	}
	list[0].stop()
	for end := time.Now().Add(30 * time.Second); s.board.streams.Load() == maxStreams && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	v.stream(nil).next()
}

func TestTheEndIsTold(t *testing.T) {
	t.Parallel()
	s := newStage(t, Config{})
	s.put(1, tcp.Established, nil)
	s.look()
	v := s.visitor().enter()
	r := v.stream(nil)
	r.next()
	s.end()
	if e := r.until(func(e event) bool { return e.name != "more" }); e.name != "end" {
		t.Errorf("%+v", e)
	}
}

func TestConnectionsAndArrowsThatAreNot(t *testing.T) {
	t.Parallel()
	s := newStage(t, Config{})
	s.look()
	v := s.visitor().enter()
	for name, want := range map[string]int{
		"connection": 404, "connection?id=x": 404, "connection?id=-1": 404, "connection?id=77": 200,
		"arrow": 404, "arrow?from=1&to=99": 404, "arrow?from=-1&to=2": 404, "arrow?from=0&to=4": 200, "arrow?from=4&to=4": 200,
	} {
		answer, body := v.get(v.inside(name))
		if answer.StatusCode != want {
			t.Errorf("%s: %s, want %d", name, answer.Status, want)
		}
		if name == "connection?id=77" && !strings.HasPrefix(body, "event: wrong\n") {
			t.Errorf("a connection that is gone: %q", body)
		}
	}
}
