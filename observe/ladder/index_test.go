package ladder

import (
	"encoding/binary"
	"io"
	"net/netip"
	"runtime"
	"testing"

	"dialtone/internet"
	"dialtone/link"
	"dialtone/observe/capture"
	"dialtone/observe/flow"
	"dialtone/transport"
	"dialtone/transport/tcp"

	"pgregory.net/rapid"
)

// TestIndexRemembersEachFrameOnce, with the conversation that it was moved to, or
// with none of them where it was taken out.
func TestIndexRemembersEachFrameOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var x Index
		want := map[int][]int64{}
		places := map[int64]uint32{} // of the frames of none
		for n := int64(1); n <= int64(rapid.IntRange(1, 200).Draw(t, "frames")); n++ {
			id := rapid.IntRange(0, 5).Draw(t, "conversation")
			for number, at := range places {
				if id > 0 && rapid.IntRange(0, 9).Draw(t, "move") == 0 {
					to := id * rapid.IntRange(0, 1).Draw(t, "in")
					x.Move(at, to)
					delete(places, number)
					want[to] = append(want[to], number)
				}
			}
			at := x.Add(id, n, 100*n)
			if id == 0 {
				places[n] = at
			} else {
				want[id] = append(want[id], n)
			}
		}
		for id := range x.Conversations() {
			var got []int64
			for number, offset := range x.Frames(id) {
				if offset != 100*number {
					t.Fatalf("frame %d is at %d", number, offset)
				}
				got = append(got, number)
			}
			if id == 0 && len(got) != len(places) {
				t.Fatalf("%d frames of none, want %d", len(got), len(places))
			}
			for i, number := range got {
				if id > 0 && number != want[id][i] || id == 0 && places[number] == 0 {
					t.Fatalf("conversation %d has frames %d, want %d", id, got, want[id])
				}
			}
		}
	})
}

// size is what the index has allocated.
func (x *Index) size() int {
	const frame, talk = 16, 16
	return frame*chunkSize*len(x.frames.chunks) + talk*chunkSize*len(x.talks.chunks)
}

// TestIndexTakesLittle: at most 64 bytes a frame, whatever the frames are.
func TestIndexTakesLittle(t *testing.T) {
	const n = 100_000
	for name, add := range map[string]func(x *Index, i int64){
		"one conversation":                 func(x *Index, i int64) { x.Add(1, i, i) },
		"a conversation each":              func(x *Index, i int64) { x.Add(int(i), i, i) },
		"fragments of a conversation each": func(x *Index, i int64) { x.Move(x.Add(0, i, i), int(i)) },
	} {
		var x Index
		for i := range int64(n) {
			add(&x, i+1)
		}
		if size := x.size(); size > 64*n {
			t.Errorf("%s: %d bytes a frame", name, size/n)
		}
	}
}

// flood is an archive of so many SYNs, from another address or port each, that are
// made when they are read.
type flood struct {
	n, at  int64
	record capture.Record
	frame  []byte
}

func (f *flood) Next() (*capture.Record, error) {
	if f.at == f.n {
		return nil, io.EOF
	}
	f.at++
	r, err := f.At(f.at)
	r.Number = f.at
	return r, err
}

func (f *flood) At(i int64) (*capture.Record, error) {
	if f.frame == nil {
		f.frame = syn(netip.MustParseAddr("10.0.0.0").As4(), [4]byte{192, 0, 2, 1})
	}
	const ip, segment = 14, 14 + 20
	binary.BigEndian.PutUint32(f.frame[ip+12:], 10<<24+uint32(i>>14))
	binary.BigEndian.PutUint16(f.frame[segment:], uint16(i&0x3fff)+1024)
	internet.FillIPv4(f.frame[ip:])
	src := [4]byte(f.frame[ip+12:])
	tcp.Fill(transport.PseudoSum4(src, [4]byte{192, 0, 2, 1}, internet.TCP, len(f.frame)-segment), f.frame[segment:])
	f.record = capture.Record{Time: began + i*1000, Link: capture.LinkEthernet, Data: f.frame, Wire: len(f.frame), Offset: i}
	return &f.record, nil
}

func syn(src, dst [4]byte) []byte {
	ethernet := link.Ethernet{Type: link.TypeIPv4}
	b := ethernet.Append(nil)
	packet := internet.IPv4{TTL: 64, Protocol: internet.TCP, Src: src, Dst: dst}
	b = packet.Append(b)
	segment := tcp.Header{DstPort: 80, Seq: 1000, Flags: tcp.SYN, Window: 1024}
	return segment.Append(b)
}

// counting is a Sink that only counts, and measures the heap when the source has been
// read.
type counting struct {
	events, talks int64
	heap          uint64
}

func (c *counting) Event(*flow.Event) error     { c.events++; return nil }
func (c *counting) Frame(*capture.Packet) error { return nil }

func (c *counting) End(*flow.Conversation) error {
	if c.talks++; c.talks == 1 {
		runtime.GC()
		c.heap = heap()
	}
	return nil
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestHalfOpenFlowsTakeBoundedMemory: of more than can be followed every one is drawn,
// and what is kept of each is its place in the index.
func TestHalfOpenFlowsTakeBoundedMemory(t *testing.T) {
	const n = 1 << 18
	before := heap()
	f := &flood{n: n}
	p, c := NewPass(f, nil), &counting{}
	if err := Draw(f, p, c); err != nil {
		t.Fatal(err)
	}
	if c.events != n || c.talks != n {
		t.Errorf("%d events of %d conversations are drawn, want %d", c.events, c.talks, n)
	}
	const followed = 1 << 16
	if got := p.Count(); got.Evicted != n-followed || got.Conversations != int(n) {
		t.Errorf("%+v", got)
	}
	// What a tracker keeps of the conversations that it follows does not grow.
	tracked := int64(followed * 3000)
	if used := int64(c.heap - before); used > tracked+64*n {
		t.Errorf("%d MB for %d conversations", used>>20, n)
	} else {
		t.Logf("%d MB, of these %d MB index", used>>20, 32*n>>20)
	}
}
