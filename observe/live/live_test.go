package live

import (
	"context"
	"slices"
	"testing"
	"time"

	"dialtone/observe/sockets"
	"dialtone/transport/tcp"
)

func TestRowsMoveWithTheirTransitions(t *testing.T) {
	f := feed(t, Config{})
	f.expect()
	f.look(tcpRow(1, tcp.Listen), tcpRow(2, tcp.Established))
	f.expect("1 LISTEN", "2 ESTABLISHED")
	f.tell(2, tcp.Established, tcp.CloseWait)
	f.tell(3, tcp.Closed, tcp.SynSent)
	f.expect("1 LISTEN", "2 CLOSE_WAIT", "3 SYN_SENT")
	f.look(tcpRow(3, tcp.SynSent), tcpRow(2, tcp.CloseWait), tcpRow(1, tcp.Listen))
	f.expect("1 LISTEN", "2 CLOSE_WAIT", "3 SYN_SENT") // the order is that of first sight
	if r := f.Snapshot().Row(2); r == nil || r.User != "alice" || r.First != start.Add(500*time.Millisecond) {
		t.Errorf("row 2 is %+v", r)
	}
	if f.Snapshot().Row(9) != nil {
		t.Error("there is no row 9")
	}
}

func TestSocketsThatAreGoneLinger(t *testing.T) {
	f := feed(t, Config{Linger: time.Second})
	f.look(tcpRow(1, tcp.LastAck), udpRow(2), tcpRow(3, tcp.Listen))
	f.tell(1, tcp.LastAck, tcp.Closed)
	f.expect("1 CLOSED gone", "2 UNCONNECTED", "3 LISTEN")
	f.look(tcpRow(3, tcp.Listen)) // the kernel says no goodbye to UDP sockets
	f.expect("1 CLOSED gone", "2 UNCONNECTED gone", "3 LISTEN")
	f.look(tcpRow(3, tcp.Listen))
	f.expect("2 UNCONNECTED gone", "3 LISTEN")
	f.look(tcpRow(3, tcp.Listen))
	f.expect("3 LISTEN")
	if s := f.Snapshot(); s.Closed != 1 || s.Moves[tcp.LastAck][tcp.Closed] != 1 {
		t.Errorf("%d connections closed, moves %v, want one of each", s.Closed, s.Moves)
	}
	// A listener that listens again comes back.
	f.tell(3, tcp.Listen, tcp.Closed)
	f.tell(3, tcp.Closed, tcp.Listen)
	f.expect("3 LISTEN")
	f.look(tcpRow(3, tcp.Listen))
	f.look(tcpRow(3, tcp.Listen))
	f.look(tcpRow(3, tcp.Listen))
	f.expect("3 LISTEN")
}

// TestWhatALookPassesOverStays where it is, and is inspected on.
func TestWhatALookPassesOverStays(t *testing.T) {
	f := feed(t, Config{})
	bound := tcpRow(3, tcp.Closed)
	bound.State = sockets.Bound // of which nobody tells
	f.look(tcpRow(1, tcp.Established), tcpRow(2, tcp.Listen), bound)
	i, err := f.Inspect(2)
	if err != nil {
		t.Fatal(err)
	}
	f.look(tcpRow(2, tcp.Listen))
	f.expect("1 ESTABLISHED", "2 LISTEN", "3 BOUND gone")
	f.look(tcpRow(1, tcp.Established))
	f.expect("1 ESTABLISHED", "2 LISTEN", "3 BOUND gone")
	f.tell(2, tcp.Listen, tcp.Closed)
	if d := i.Detail(); len(d.History) != 1 {
		t.Errorf("the inspection knows nothing of the end: %+v", d)
	}
}

func TestLingeringIsBounded(t *testing.T) {
	f := feed(t, Config{})
	for id := range uint64(3 * MaxLingering) {
		f.tell(10+id, tcp.Established, tcp.Closed)
	}
	s := f.Snapshot()
	if len(s.Rows) != MaxLingering || s.Rows[0].Watched.ID != 10+2*MaxLingering || s.Closed != 3*MaxLingering {
		t.Errorf("%d rows from %d on, %d closed", len(s.Rows), s.Rows[0].Watched.ID, s.Closed)
	}
	f.now = f.now.Add(time.Minute)
	f.look()
	f.expect()
	if n := len(f.store.entries) + len(f.store.order) + len(f.store.closing); n != 0 {
		t.Errorf("%d entries are left", n)
	}
	f = feed(t, Config{Linger: -1})
	f.tell(1, tcp.Established, tcp.Closed)
	f.expect()
}

// TestATransitionIsNotUndoneByAnOlderRow: the table is read while events go on.
func TestATransitionIsNotUndoneByAnOlderRow(t *testing.T) {
	f := feed(t, Config{})
	f.look(tcpRow(1, tcp.Established))
	began := f.now
	f.tell(1, tcp.Established, tcp.Closed)
	f.Looked(began, []*sockets.Socket{tcpRow(1, tcp.Established)})
	f.expect("1 CLOSED gone")
	row := tcpRow(1, tcp.Established)
	row.State = sockets.Bound // its program still has it, with its port
	f.look(row)
	f.expect("1 BOUND")
}

// TestSilentConnectionsAreForgotten: those of other namespaces, of which the table knows
// nothing.
func TestSilentConnectionsAreForgotten(t *testing.T) {
	f := feed(t, Config{})
	f.tell(1, tcp.SynSent, tcp.Established)
	f.look()
	f.expect("1 ESTABLISHED")
	f.now = f.now.Add(2 * silence)
	f.look()
	f.expect()
}

func TestAgeIsThatOfTheTransition(t *testing.T) {
	f := feed(t, Config{})
	row := tcpRow(1, tcp.CloseWait)
	row.Info.Times.SinceAck = time.Hour
	f.look(row)
	if age, exact := f.Snapshot().Rows[0].Age(); age != time.Hour || exact {
		t.Errorf("%v, exact %v; want an hour at least", age, exact)
	}
	if len(f.Snapshot().Rows[0].Findings) == 0 {
		t.Error("an hour in CLOSE_WAIT is nothing to speak of")
	}
	f.tell(1, tcp.CloseWait, tcp.LastAck)
	if age, exact := f.Snapshot().Rows[0].Age(); age != 0 || !exact {
		t.Errorf("%v, exact %v; want none at all, exactly", age, exact)
	}
	if off := f.Snapshot().Rows[0].Findings; len(off) != 0 {
		t.Errorf("%v of LAST_ACK", off)
	}
	f.tell(1, tcp.LastAck, tcp.Closed)
	f.look()
	if age, exact := f.Snapshot().Rows[0].Age(); age != 500*time.Millisecond || !exact {
		t.Errorf("%v, exact %v; want gone for half a second", age, exact)
	}
}

func TestSnapshotsNeverChange(t *testing.T) {
	f := feed(t, Config{})
	row := tcpRow(1, tcp.Established)
	f.look(row)
	before := f.Snapshot()
	if f.Snapshot() != before {
		t.Error("another snapshot of the same")
	}
	row.State, row.Info.RTT.Smooth = sockets.State(tcp.CloseWait), time.Second // as the table does with its rows
	f.tell(1, tcp.Established, tcp.FinWait1)
	f.look(row)
	if got := rowTexts(before.Rows); got != "1 ESTABLISHED" || before.Rows[0].Info.RTT.Smooth != 0 {
		t.Errorf("the snapshot became %s, %v", got, before.Rows[0].Info.RTT.Smooth)
	}
	f.expect("1 CLOSE_WAIT")
}

func TestFiltersChooseRowsAndTransitions(t *testing.T) {
	only, err := sockets.ParseFilter(context.Background(), "tcp and not state close-wait")
	if err != nil {
		t.Fatal(err)
	}
	f := feed(t, Config{Filter: only})
	sub := f.Subscribe(10)
	defer sub.Close()
	f.look(tcpRow(1, tcp.Established), udpRow(2), tcpRow(3, tcp.CloseWait))
	f.expect("1 ESTABLISHED")
	f.tell(1, tcp.Established, tcp.CloseWait)
	f.look(tcpRow(1, tcp.CloseWait))
	f.expect()
	f.tell(3, tcp.CloseWait, tcp.CloseWait)
	if changes, _ := sub.Take(); len(changes) != 1 || changes[0].ID != 1 {
		t.Errorf("told %v, want the one that left", changes)
	}
	f = feed(t, Config{})
	f.look(tcpRow(1, tcp.Established), udpRow(2), tcpRow(3, tcp.CloseWait))
	if got := rowTexts(f.Snapshot().Select(only)); got != "1 ESTABLISHED" {
		t.Errorf("selected %s", got)
	}
}

// TestWhatIsMissedIsCounted: a face that is slow holds nobody up.
func TestWhatIsMissedIsCounted(t *testing.T) {
	f := feed(t, Config{})
	slow, quick := f.Subscribe(2), f.Subscribe(100)
	defer quick.Close()
	for id := range uint64(5) {
		f.tell(id+1, tcp.Closed, tcp.SynSent)
	}
	if changes, missed := slow.Take(); len(changes) != 2 || missed != 3 || changes[0].ID != 1 {
		t.Errorf("slow: %d changes, %d missed; want the first 2, and 3", len(changes), missed)
	}
	if changes, missed := slow.Take(); len(changes) != 0 || missed != 0 {
		t.Errorf("slow: %d changes, %d missed, of nothing", len(changes), missed)
	}
	slow.Close()
	f.tell(6, tcp.Closed, tcp.SynSent)
	if changes, missed := slow.Take(); len(changes) != 0 || missed != 0 {
		t.Errorf("slow: %d changes, %d missed, after Close", len(changes), missed)
	}
	if changes, missed := quick.Take(); len(changes) != 6 || missed != 0 {
		t.Errorf("quick: %d changes, %d missed; want 6 and none", len(changes), missed)
	}
}

// TestReadyComesOnce for any number of changes, and again for the next.
func TestReadyComesOnce(t *testing.T) {
	f := feed(t, Config{})
	sub := f.Subscribe(0)
	defer sub.Close()
	ready := func() bool {
		select {
		case <-sub.Ready():
			return true
		default:
			return false
		}
	}
	got := []bool{ready(), ready()}
	f.look(tcpRow(1, tcp.Listen))
	f.tell(1, tcp.Listen, tcp.Closed)
	got = append(got, ready(), ready())
	if want := []bool{true, false, true, false}; !slices.Equal(got, want) {
		t.Errorf("ready %v, want %v", got, want)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	f := feed(t, Config{})
	for range MaxHistory {
		f.tell(1, tcp.Closed, tcp.Listen)
		f.tell(1, tcp.Listen, tcp.Closed)
	}
	d, ok := f.Connection(1)
	if !ok || len(d.History) != MaxHistory || d.Earlier != MaxHistory || d.History[MaxHistory-1].At != f.now {
		t.Errorf("%v, %d transitions, %d earlier", ok, len(d.History), d.Earlier)
	}
	if _, ok := f.Connection(2); ok {
		t.Error("there is no connection 2")
	}
}

// TestShortLivesHaveOwners, as far as their calls tell.
func TestShortLivesHaveOwners(t *testing.T) {
	f := feed(t, Config{})
	f.look(tcpRow(1, tcp.Listen))
	f.Tell(sockets.Transition{
		At: f.now, From: sockets.State(tcp.Closed), To: sockets.State(tcp.SynSent), Local: here, Remote: there, ID: 2, UID: 1001,
		Process: sockets.Process{PID: 7, Name: "curl"},
	})
	f.tell(2, tcp.SynSent, tcp.Closed)
	r := f.Snapshot().Row(2)
	if r == nil || len(r.Processes) != 1 || r.Processes[0].PID != 7 || r.User != "0" {
		t.Errorf("row 2 is %+v", r)
	}
}
