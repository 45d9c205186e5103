package capture

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"dialtone/internet"
	"dialtone/link"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// cutting makes a datagram's packet and its fragments, in records.
type cutting struct {
	version int
	data    string // of the UDP datagram
	id      uint32
	size    int // of a fragment, a multiple of 8
}

func (c cutting) whole() []byte {
	if c.version == 4 {
		return ip4(internet.UDP, udpDatagram(pseudo4(internet.UDP), c.data), func(h *internet.IPv4) { h.ID, h.Flags = uint16(c.id), 0 })
	}
	return ip6(internet.HopByHop, extension(internet.HopByHop, internet.UDP, ""), udpDatagram(pseudo6(internet.UDP), c.data))
}

func (c cutting) fragments() (list [][]byte) {
	datagram := c.whole()[20:]
	if c.version == 6 {
		datagram = c.whole()[48:]
	}
	for at := 0; at < len(datagram); at += c.size {
		end := min(at+c.size, len(datagram))
		list = append(list, c.fragment(at, datagram[at:end], end < len(datagram)))
	}
	return list
}

func (c cutting) fragment(at int, data []byte, more bool) []byte {
	flags := map[bool]uint8{true: internet.MoreFragments}[more]
	if c.version == 4 {
		return ip4(internet.UDP, data, func(h *internet.IPv4) { h.ID, h.Flags, h.Offset = uint16(c.id), flags, uint16(at/8) })
	}
	f := internet.Fragment{Next: internet.UDP, Offset: uint16(at / 8), Flags: flags, ID: c.id}
	return ip6(internet.HopByHop, extension(internet.HopByHop, internet.IPv6Frag, ""), f.Append(nil), data)
}

// feed gives packets to a Reassembler, a millisecond apart, and returns what comes out.
func feed(t testing.TB, r *Reassembler, packets ...[]byte) (whole []Packet) {
	t.Helper()
	p := new(Packet)
	for i, b := range packets {
		kind := link.TypeIPv4
		if b[0]>>4 == 6 {
			kind = link.TypeIPv6
		}
		frame := ethernet(kind, b, 0x81, 0, 0, 5)
		record := &Record{Number: int64(i + 1), Time: int64(i) * 1e6, Offset: int64(i) * 100, Data: frame, Wire: len(frame), Link: LinkEthernet}
		Decode(record, p)
		holds(t, p)
		if w := r.Add(p); w != nil {
			holds(t, w)
			c := *w
			copied := *w.Record
			copied.Data = bytes.Clone(w.Data)
			c.Record, c.Payload, c.Fragments = &copied, bytes.Clone(w.Payload), slices.Clone(w.Fragments)
			whole = append(whole, c)
		}
		clear(frame) // a source's next record
	}
	return whole
}

func TestADatagramIsPutTogether(t *testing.T) {
	for _, version := range []int{4, 6} {
		c := cutting{version, strings.Repeat("0123456789", 30), 7, 104}
		f := c.fragments()
		if len(f) != 3 {
			t.Fatalf("%d fragments", len(f))
		}
		for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}, {0, 0, 2, 1}, {2, 0, 2, 1}} {
			var r Reassembler
			var packets [][]byte
			for _, i := range order {
				packets = append(packets, f[i])
			}
			whole := feed(t, &r, packets...)
			if len(whole) != 1 {
				t.Errorf("IPv%d, order %v: %d datagrams, %+v", version, order, len(whole), r.Stats())
				continue
			}
			w := whole[0]
			w.Verify()
			if !bytes.Equal(w.Data, c.whole()) || string(w.Payload) != c.data || w.Len != 300 || w.Checksum != ChecksumGood || w.VLAN != 6 {
				t.Errorf("IPv%d, order %v: %s\n%x\nwant\n%x", version, order, shape(&w), w.Data, c.whole())
			}
			if w.Number != int64(len(order)) || w.Offset != int64(len(order)-1)*100 || len(w.Fragments) != 3 || !slices.Contains(w.Fragments, w.Number) {
				t.Errorf("IPv%d, order %v: frame %d of %v", version, order, w.Number, w.Fragments)
			}
			if datagrams, bytes := r.machine.Waiting(); datagrams != 0 || bytes != 0 {
				t.Errorf("IPv%d, order %v: %d bytes of %d datagrams are left", version, order, bytes, datagrams)
			}
		}
	}
}

// held is how many bytes wait.
func held(r *Reassembler) int {
	_, bytes := r.machine.Waiting()
	return bytes
}

func TestWhatIsNoFragmentPasses(t *testing.T) {
	var r Reassembler
	atomic := ip6(internet.IPv6Frag, (&internet.Fragment{Next: internet.UDP}).Append(nil), udpDatagram(pseudo6(internet.UDP), "x")) // RFC 6946
	if got := feed(t, &r, ip4(internet.UDP, udpDatagram(pseudo4(internet.UDP), "x")), atomic); len(got) != 2 || r.Stats() != (ReassemblerStats{}) {
		t.Errorf("%d of 2 passed, %+v", len(got), r.Stats())
	}
}

func TestDatagramsAreKeptApart(t *testing.T) {
	a, b := cutting{4, strings.Repeat("a", 200), 1, 104}, cutting{4, strings.Repeat("b", 200), 2, 104}
	c, d := cutting{6, strings.Repeat("c", 200), 1, 104}, cutting{6, strings.Repeat("d", 200), 1 << 16, 104}
	var packets, last [][]byte
	for _, x := range []cutting{a, b, c, d} {
		f := x.fragments()
		packets, last = append(packets, f[0]), append(last, f[1])
	}
	var r Reassembler
	whole := feed(t, &r, append(packets, last...)...)
	var got []string
	for _, w := range whole {
		got = append(got, string(w.Payload[:1]))
	}
	if diff := cmp.Diff([]string{"a", "b", "c", "d"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestOverlapsGiveADatagramUp(t *testing.T) {
	for _, version := range []int{4, 6} {
		c := cutting{version, strings.Repeat("x", 300), 7, 104}
		f := c.fragments()
		other := bytes.Clone(f[1])
		other[len(other)-1] ^= 1
		for name, overlap := range map[string][]byte{
			"other bytes":      other,
			"a part of one":    c.fragment(8, make([]byte, 16), true),
			"the end of one":   c.fragment(96, make([]byte, 16), true),
			"more than one":    c.fragment(0, make([]byte, 112), true),
			"shorter than one": c.fragment(104, make([]byte, 8), true),
		} {
			var r Reassembler
			// What still comes of it is not for a new datagram either (RFC 5722 §4).
			if got := feed(t, &r, f[0], f[1], overlap, f[2], f[0], f[1]); len(got) != 0 || r.Stats().Overlapped != 1 || held(&r) != 0 {
				t.Errorf("IPv%d, %s: %d datagrams, %+v", version, name, len(got), r.Stats())
			}
		}
	}
}

func TestLengthsThatCannotBeGiveADatagramUp(t *testing.T) {
	for _, version := range []int{4, 6} {
		c := cutting{version, strings.Repeat("x", 300), 7, 104}
		f := c.fragments()
		for name, bad := range map[string][]byte{
			"not a multiple of 8": c.fragment(208, make([]byte, 7), true),
			"nothing":             c.fragment(208, nil, true),
			"beyond 65535":        c.fragment(65528, make([]byte, 16), true),
			"behind the last":     c.fragment(400, make([]byte, 16), true),
			"another last":        c.fragment(400, make([]byte, 16), false),
			"an earlier last":     c.fragment(208, make([]byte, 4), false),
		} {
			var r Reassembler
			if got := feed(t, &r, f[0], f[2], bad, f[1]); len(got) != 0 || r.Stats().Bad+r.Stats().Overlapped != 1 || held(&r) != 0 {
				t.Errorf("IPv%d, %s: %d datagrams, %+v", version, name, len(got), r.Stats())
			}
		}
		var r Reassembler
		most := c.fragment(65512, make([]byte, 23), false) // with its header 65535 and more
		all := [][]byte{most}
		for at := 0; at < 65512; at += 65512 / 19 / 8 * 8 {
			end := min(at+65512/19/8*8, 65512)
			all = append(all, c.fragment(at, make([]byte, end-at), true))
		}
		want := map[int]int{4: 0, 6: 0}[version]
		if got := feed(t, &r, all...); len(got) != want || r.Stats().Bad != 1 {
			t.Errorf("IPv%d, too long with its header: %d datagrams, %+v", version, len(got), r.Stats())
		}
	}
}

func TestAFragmentThatWasNotCapturedWhole(t *testing.T) {
	f := cutting{4, strings.Repeat("x", 300), 7, 104}.fragments()
	var r Reassembler
	p := new(Packet)
	for i, b := range f {
		Decode(&Record{Number: int64(i), Data: b[:min(len(b), 90)], Wire: len(b), Link: LinkRaw}, p)
		if w := r.Add(p); w != nil {
			t.Error("a datagram of cut fragments")
		}
	}
	if s := r.Stats(); s.Cut != 1 || s.Fragments != 3 {
		t.Errorf("%+v", s)
	}
}

func TestWaitingIsBounded(t *testing.T) {
	var packets [][]byte
	for id := range uint32(5000) {
		packets = append(packets, cutting{4, strings.Repeat("x", 1000), id, 1000}.fragments()[0])
	}
	r := Reassembler{MaxBytes: 100_000, Timeout: time.Hour}
	feed(t, &r, packets...)
	n, bytes := r.machine.Waiting()
	if n < 90 || n > 100 || bytes > 100_000 || r.Stats().Evicted != int64(5000-n) {
		t.Errorf("%d waiting, %d bytes, %+v", n, bytes, r.Stats())
	}
	r = Reassembler{MaxWaiting: 10, Timeout: time.Hour}
	feed(t, &r, packets...)
	if n, _ := r.machine.Waiting(); n != 10 || r.Stats().Evicted != 4990 {
		t.Errorf("%d waiting, %+v", n, r.Stats())
	}
	r = Reassembler{Timeout: 100 * time.Millisecond}
	feed(t, &r, packets[:1000]...)
	if n, _ := r.machine.Waiting(); n != 100 || r.Stats().TimedOut != 900 {
		t.Errorf("%d waiting, %+v", n, r.Stats())
	}
}

// TestAnyOrderAndAnyCutGivesTheSameDatagram also has copies of fragments.
func TestAnyOrderAndAnyCutGivesTheSameDatagram(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		data := make([]byte, rapid.IntRange(1, 3000).Draw(rt, "size"))
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		c := cutting{rapid.SampledFrom([]int{4, 6}).Draw(rt, "version"), string(data), 9, 8 * rapid.IntRange(1, 60).Draw(rt, "cut")}
		f := c.fragments()
		if len(f) == 1 {
			return
		}
		random.Shuffle(len(f), func(i, j int) { f[i], f[j] = f[j], f[i] })
		again := f[random.IntN(len(f)-1)]
		var r Reassembler
		whole := feed(t, &r, append([][]byte{f[0], again}, f[1:]...)...)
		if len(whole) != 1 || !bytes.Equal(whole[0].Data, c.whole()) {
			rt.Fatalf("%d datagrams, %+v", len(whole), r.Stats())
		}
	})
}
