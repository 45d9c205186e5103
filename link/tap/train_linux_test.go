package tap

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"dialtone/link"
)

// segmentFrame is a TCP segment over IPv4, with options of 12 bytes, of a connection
// that has sent seq bytes in id packets.
func segmentFrame(seq uint32, id uint16, payload []byte, change func(b []byte)) *link.Frame {
	b := append(ethernet(link.TypeIPv4), make([]byte, 20+32)...)
	b[ipAt], b[ipAt+6], b[ipAt+8], b[ipAt+9] = 0x45, 0x40, 64, 6
	binary.BigEndian.PutUint16(b[ipID:], id)
	binary.BigEndian.PutUint32(b[tcpSeq:], seq)
	b[tcpAt+tcpLength], b[tcpFlags] = 8<<4, flagACK
	b = append(b, payload...)
	binary.BigEndian.PutUint16(b[ipLength:], uint16(len(b)-ipAt))
	if change != nil {
		change(b)
	}
	return newFrame(b)
}

// row is segments of these lengths that follow one another.
func row(lengths ...int) (frames []*link.Frame) {
	seq := uint32(0xffffff00)
	for i, n := range lengths {
		frames = append(frames, segmentFrame(seq, uint16(0xfffe+i), bytes.Repeat([]byte{byte(i)}, n), nil))
		seq += uint32(n)
	}
	return frames
}

func TestWhatMakesATrain(t *testing.T) {
	changed := func(at int, to byte) []*link.Frame {
		frames := row(100, 100, 100)
		frames[1].Data[at] ^= to
		return frames
	}
	for what, c := range map[string]struct {
		frames []*link.Frame
		want   int
	}{
		"one alone":                 {row(100), 1},
		"equal ones":                {row(100, 100, 100), 3},
		"a shorter one ends it":     {row(100, 100, 60, 100), 3},
		"no longer one":             {row(100, 101), 1},
		"an acknowledgement before": {row(0, 100), 1},
		"an acknowledgement behind": {row(100, 0), 1},
		"as much as IP has room":    {row(slices.Repeat([]int{1448}, 60)...), 45},
		"the end of a push":         {changed(tcpFlags, flagPSH), 2},
		"a FIN":                     {changed(tcpFlags, flagFIN), 2},
		"urgent data":               {changed(tcpFlags, 32), 1},
		"another window":            {changed(tcpFlags+1, 1), 1},
		"another acknowledgement":   {changed(tcpSeq+7, 1), 1},
		"another timestamp":         {changed(tcpAt+27, 1), 1},
		"a gap":                     {changed(tcpSeq+3, 8), 1},
		"an ID that is left out":    {changed(ipID+1, 4), 1},
		"another port":              {changed(tcpAt+1, 1), 1},
		"another address":           {changed(ipAt+19, 1), 1},
		"another station":           {changed(5, 1), 1},
		"a fragment":                {changed(ipAt+7, 1), 1},
		"another protocol":          {changed(ipAt+9, 1), 1},
		"options of IP":             {changed(ipAt, 3), 1},
		"ECN":                       {changed(ipAt+1, 3), 1},
		"checksums do not matter":   {changed(tcpAt+tcpSum, 7), 3},
	} {
		if got, _ := trainOf(c.frames); got != c.want {
			t.Errorf("%s: %d frames, want %d", what, got, c.want)
		}
	}
}

// TestTrainIsWhatItsFramesWere cuts super-frames as a device does and finds the frames
// again, with the checksums that they would have had.
func TestTrainIsWhatItsFramesWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lengths := rapid.SliceOfN(rapid.IntRange(1, 1448), 1, 50).Draw(t, "lengths")
		slices.SortFunc(lengths, func(a, b int) int { return b - a })
		if rapid.Bool().Draw(t, "equal") {
			lengths = slices.Repeat(lengths[:1], len(lengths))
		}
		frames := row(lengths...)
		frames[len(frames)-1].Data[tcpFlags] |= rapid.SampledFrom([]byte{0, flagPSH, flagPSH | flagFIN}).Draw(t, "flags")
		n, headers := trainOf(frames)
		if n < 2 {
			return
		}
		var want [][]byte
		for _, f := range frames[:n] {
			b := bytes.Clone(f.Data)
			seal(b)
			want = append(want, b)
		}
		couple(frames[:n], headers)
		super := bytes.Clone(frames[0].Data)
		for _, f := range frames[1:n] {
			super = append(super, f.Data[headers:]...)
		}
		for i, b := range cut(super, &frames[0].Offload) {
			if seal(b); !bytes.Equal(b, want[i]) {
				t.Fatalf("frame %d of %d: %x, want %x", i, n, b, want[i])
			}
		}
		whole := newFrame(super)
		whole.Offload = frames[0].Offload
		before := binary.BigEndian.Uint16(whole.Data[tcpAt+tcpSum:])
		whole.Complete()
		seal(super)
		if got := whole.Data[tcpAt+tcpSum : tcpAt+tcpSum+2]; !bytes.Equal(got, super[tcpAt+tcpSum:tcpAt+tcpSum+2]) {
			t.Fatalf("the partial sum %x is completed to %x, want %x", before, got, super[tcpAt+tcpSum:tcpAt+tcpSum+2])
		}
	})
}

// cut is what a device does with a super-frame.
func cut(super []byte, o *link.Offload) (frames [][]byte) {
	head, rest := super[:o.HeaderLen], super[o.HeaderLen:]
	seq, id, flags := binary.BigEndian.Uint32(head[tcpSeq:]), binary.BigEndian.Uint16(head[ipID:]), head[tcpFlags]
	for len(rest) > 0 {
		n := min(int(o.SegmentSize), len(rest))
		b := append(bytes.Clone(head), rest[:n]...)
		rest = rest[n:]
		binary.BigEndian.PutUint16(b[ipLength:], uint16(len(b)-ipAt))
		binary.BigEndian.PutUint16(b[ipID:], id)
		binary.BigEndian.PutUint32(b[tcpSeq:], seq)
		if b[tcpFlags] = flags; len(rest) > 0 {
			b[tcpFlags] = flags &^ (flagFIN | flagPSH)
		}
		frames = append(frames, b)
		seq, id = seq+uint32(n), id+1
	}
	return frames
}

// seal fills in both checksums.
func seal(b []byte) {
	clear(b[ipSum : ipSum+2])
	binary.BigEndian.PutUint16(b[ipSum:], ^fold(sum(b[ipAt:tcpAt])))
	clear(b[tcpAt+tcpSum : tcpAt+tcpSum+2])
	segment := b[tcpAt:]
	if len(segment)%2 == 1 {
		segment = append(bytes.Clone(segment), 0)
	}
	total := sum(b[ipAt+12:tcpAt]) + 6 + uint32(len(b)-tcpAt) + sum(segment)
	binary.BigEndian.PutUint16(b[tcpAt+tcpSum:], ^fold(total))
}
