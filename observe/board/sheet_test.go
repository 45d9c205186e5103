package board

import (
	"testing"

	"dialtone/transport/tcp"
)

// BenchmarkManySockets is what a look at 20,000 sockets costs with one page that has them
// all: every tenth has changed.
func BenchmarkManySockets(b *testing.B) {
	s := newStage(b, Config{})
	for id := uint64(1); id <= 20_000; id++ {
		s.put(id, tcp.Established, nil)
	}
	s.look()
	page := &stream{board: s.board, shown: map[uint64]string{}}
	page.whole("")
	b.ReportAllocs()
	for n := uint32(1); b.Loop(); n++ {
		b.StopTimer()
		for id := uint64(1); id <= 20_000; id += 10 {
			s.rows[id].RecvQueue = n
		}
		s.look()
		b.StartTimer()
		page.more()
	}
}

// TestALineStaysTheSameText as long as nothing in it changes: what is compared for each
// page is mostly two pointers.
func TestALineStaysTheSameText(t *testing.T) {
	t.Parallel()
	s := newStage(t, Config{})
	s.put(1, tcp.Established, nil)
	s.put(2, tcp.Established, nil)
	s.look()
	before := s.board.sheets.now()
	if again := s.board.sheets.now(); again != before {
		t.Error("a sheet is made twice of one snapshot")
	}
	s.mu.Lock()
	s.rows[2].SendQueue = 9
	s.mu.Unlock()
	s.look()
	after := s.board.sheets.now()
	if a, b := before.byID[1], after.byID[1]; a.text != b.text || a.since != b.since {
		t.Errorf("nothing has changed:\n%s\n%s", a.text, b.text)
	}
	if a, b := before.byID[2], after.byID[2]; a.text == b.text {
		t.Errorf("the send queue has changed: %s", b.text)
	}
}
