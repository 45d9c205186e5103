package capture

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func three() []Record {
	return []Record{
		{Number: 1, Time: 1_700_000_000_123_456_000, Wire: 5, Data: []byte("abcde"), Link: LinkEthernet},
		{Number: 2, Time: 1_700_000_000_123_457_000, Wire: 1500, Data: []byte("cut"), Link: LinkEthernet},
		{Number: 3, Time: 4_294_967_295_999_999_000, Wire: 0, Data: []byte{}, Link: LinkEthernet},
	}
}

// threeNg are the same in pcapng, with blocks between that hold no frame.
func threeNg(o order) []byte {
	b := join(sectionBlock(o), interfaceBlock(o, LinkEthernet, 0))
	for i, r := range three() {
		b = append(b, packetBlock(o, 0, uint64(r.Time/1000), r.Wire, string(r.Data))...)
		b = append(b, block(o, 4+uint32(i)*1000, []byte("names, and what nobody knows"))...)
	}
	return b
}

func gzipped(t testing.TB, b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(b)
	must(t, errors.Join(err, w.Close()))
	return out.Bytes()
}

func zstandard(t testing.TB, b []byte) []byte {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	must(t, err)
	defer w.Close()
	return w.EncodeAll(b, nil)
}

// ways are all the ways in which a File gets its bytes.
var ways = map[string]func(t testing.TB, b []byte) (*File, error){
	"mapped": func(t testing.TB, b []byte) (*File, error) { return Open(save(t, b)) },
	"windows": func(t testing.TB, b []byte) (*File, error) { // as on a system that cannot map
		file, err := os.Open(save(t, b))
		must(t, err)
		return newFile("capture", &input{reader: file, file: file, under: file})
	},
	"stream": func(t testing.TB, b []byte) (*File, error) { return NewReader(bytes.NewReader(b)) },
	"bytes": func(t testing.TB, b []byte) (*File, error) {
		return NewReader(iotest.DataErrReader(iotest.OneByteReader(bytes.NewReader(b))))
	},
	"gzip": func(t testing.TB, b []byte) (*File, error) { return Open(save(t, gzipped(t, b))) },
	"zstd": func(t testing.TB, b []byte) (*File, error) { return Open(save(t, zstandard(t, b))) },
	"zstd stream": func(t testing.TB, b []byte) (*File, error) {
		return NewReader(bytes.NewReader(zstandard(t, b)))
	},
}

func TestEveryFormatInEveryWay(t *testing.T) {
	files := map[string][]byte{}
	for _, o := range orders {
		files["pcap µs "+o.String()] = pcapFile(o, magicMicro, LinkEthernet, three()...)
		files["pcap ns "+o.String()] = pcapFile(o, magicNano, LinkEthernet, three()...)
		files["pcapng "+o.String()] = threeNg(o)
	}
	for name, b := range files {
		for way, open := range ways {
			f, err := open(t, b)
			if err != nil {
				t.Errorf("%s, %s: %v", name, way, err)
				continue
			}
			got, err := all(f)
			if diff := cmp.Diff(three(), got); diff != "" || err != nil {
				t.Errorf("%s, %s: %v\n%s", name, way, err, diff)
			}
			if _, err := f.Next(); err != io.EOF {
				t.Errorf("%s, %s: after the end %v", name, way, err)
			}
			must(t, f.Close())
			if _, err := f.Next(); err == nil {
				t.Errorf("%s, %s: a frame of a closed file", name, way)
			}
		}
	}
}

// TestEveryPrefixGivesItsWholeRecords cuts files at every byte.
func TestEveryPrefixGivesItsWholeRecords(t *testing.T) {
	for name, b := range map[string][]byte{
		"pcap":   pcapFile(orders[0], magicNano, LinkEthernet, three()...),
		"pcapng": threeNg(orders[1]),
	} {
		ends := frameEnds(t, b)
		for n := range b {
			for _, way := range []string{"mapped", "windows", "stream"} {
				f, err := ways[way](t, b[:n])
				if err != nil {
					if !errors.Is(err, io.ErrUnexpectedEOF) {
						t.Errorf("%s, %d bytes, %s: %v", name, n, way, err)
					}
					continue
				}
				got, err := all(f)
				want := 0
				for _, end := range ends {
					if end <= int64(n) {
						want++
					}
				}
				if len(got) != want {
					t.Errorf("%s, %d bytes, %s: %d frames, want %d", name, n, way, len(got), want)
				}
				if e, ok := errors.AsType[*FileError](err); err != nil && (!ok || e.Offset > int64(n) || !errors.Is(err, io.ErrUnexpectedEOF)) {
					t.Errorf("%s, %d bytes, %s: %v", name, n, way, err)
				}
				must(t, f.Close())
			}
		}
	}
	f := opened(t, pcapFile(orders[0], magicNano, LinkEthernet, three()[0])[:24+16+2])
	_, err := f.Next()
	if want := ": byte 24: the record is cut short, 18 of 21 bytes are there: unexpected EOF"; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("%v\nwant …%s", err, want)
	}
}

// frameEnds are the offsets behind each frame's record.
func frameEnds(t *testing.T, b []byte) (ends []int64) {
	f := opened(t, b)
	for {
		if _, err := f.Next(); err != nil {
			return ends
		}
		ends = append(ends, f.in.offset())
	}
}

func TestAtGoesBack(t *testing.T) {
	twice := append(threeNg(orders[0]), threeNg(orders[1])...) // two sections, two byte orders
	for name, b := range map[string][]byte{"pcap": pcapFile(orders[1], magicNano, LinkRaw, three()...), "pcapng": twice} {
		for _, way := range []string{"mapped", "windows"} {
			f, err := ways[way](t, b)
			must(t, err)
			var offsets []int64
			var want []Record
			for r, err := f.Next(); err == nil; r, err = f.Next() {
				c := *r
				c.Number, c.Data = 0, bytes.Clone(r.Data)
				want, offsets = append(want, c), append(offsets, r.Offset)
				if len(want) == 2 { // in the middle of reading
					_, err := f.At(offsets[0])
					must(t, err)
				}
			}
			for i := len(offsets) - 1; i >= 0; i-- {
				got, err := f.At(offsets[i])
				if err != nil || cmp.Diff(want[i], *got) != "" {
					t.Errorf("%s, %s: At(%d): %v\n%s", name, way, offsets[i], err, cmp.Diff(want[i], *got))
				}
			}
			for _, wrong := range []int64{-1, int64(len(b)), int64(len(b)) + 1e9} {
				if r, err := f.At(wrong); err == nil {
					t.Errorf("%s, %s: At(%d) = %v", name, way, wrong, r)
				}
			}
			must(t, f.Close())
		}
	}
	f, err := NewReader(bytes.NewReader(twice))
	must(t, err)
	r, err := f.Next()
	if must(t, err); r.Offset != -1 {
		t.Errorf("a stream's record has offset %d", r.Offset)
	}
	if _, err := f.At(0); err == nil {
		t.Error("a stream went back")
	}
}

func TestALongFrameIsReadAgain(t *testing.T) {
	long := []Record{{Number: 1, Wire: 1 << 16, Data: bytes.Repeat([]byte("x"), 1<<16)}}
	for _, way := range []string{"mapped", "windows"} {
		f, err := ways[way](t, pcapFile(orders[0], magicNano, 0, long...))
		must(t, err)
		r, err := f.Next()
		must(t, err)
		again, err := f.At(r.Offset)
		if err != nil || !bytes.Equal(again.Data, long[0].Data) {
			t.Errorf("%s: %v", way, err)
		}
		must(t, f.Close())
	}
}

func TestWhatIsNoCaptureIsNamed(t *testing.T) {
	modified := pcapFile(orders[1], 0xa1b2cd34, LinkEthernet)
	old := pcapFile(orders[0], magicMicro, LinkEthernet)
	old[4], old[6] = 1, 9
	ng := sectionBlock(orders[0])
	ng[12] = 7
	for what, b := range map[string][]byte{
		"empty":                            {},
		"2 of 4 bytes":                     {0xd4, 0xc3},
		"modified by A. Kuznetsov":         modified,
		"lz4: unpack it first":             []byte("\x04\x22\x4d\x18    "),
		"begins with 47 45 54 20 2f":       []byte("GET /"),
		"pcap version 1.9 is not known":    old,
		"pcapng version 7.0 is not known":  ng,
		"byte-order magic 00 00 00 00":     join(ng[:8], make([]byte, 20)),
		"cannot be unpacked":               []byte("\x1f\x8b\x09\x00 this is not gzip"),
		"cannot be read on: unexpected EO": gzipped(t, old)[:20],
	} {
		f, err := Open(save(t, b))
		if err == nil {
			_, err = f.Next()
			must(t, f.Close())
		}
		if _, ok := errors.AsType[*FileError](err); !ok || !strings.Contains(err.Error(), what) {
			t.Errorf("%q: %v", what, err)
		}
	}
	if _, err := Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "folder") {
		t.Errorf("a folder: %v", err)
	}
	if _, err := Open("/no/such/file"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// TestAbsurdLengthsAreRefusedAtOnce would otherwise allocate what they say, or wait
// for it.
func TestAbsurdLengthsAreRefusedAtOnce(t *testing.T) {
	o := orders[0]
	frame := pcapFile(o, magicNano, 0, three()[0])
	absurd := append(bytes.Clone(frame), words(o, 1, 1, 1<<24+1, 1)...)
	ng := append(threeNg(o), words(o, blockEnhanced, 1<<24+4, 0)...)
	for name, b := range map[string][]byte{"pcap": absurd, "pcapng": ng} {
		for _, way := range []string{"mapped", "stream"} {
			f, err := ways[way](t, b)
			must(t, err)
			got, err := all(f)
			if len(got) == 0 || err == nil || !strings.Contains(err.Error(), "16 MiB is the most") {
				t.Errorf("%s, %s: %d frames, %v", name, way, len(got), err)
			}
			must(t, f.Close())
		}
	}
}

// TestUnknownBlocksAreSkippedHoweverLong skips 64 MiB that a buffer does not hold.
func TestUnknownBlocksAreSkippedHoweverLong(t *testing.T) {
	o, long := orders[0], int64(64<<20)
	tail := threeNg(o)[len(sectionBlock(o)):]
	head := append(sectionBlock(o), words(o, 0xbad, uint32(long+12))...)
	stream := io.MultiReader(bytes.NewReader(head), io.LimitReader(zeros{}, long+4), bytes.NewReader(tail))
	f, err := NewReader(stream)
	must(t, err)
	got, err := all(f)
	if diff := cmp.Diff(three(), got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if n := cap(f.in.data); n > windowSize {
		t.Errorf("the buffer has grown to %d bytes", n)
	}
	f, err = NewReader(io.MultiReader(bytes.NewReader(head), io.LimitReader(zeros{}, long)))
	must(t, err)
	if _, err := f.Next(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a block without its end: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestAFollowedFileGrows(t *testing.T) {
	for _, way := range []string{"mapped", "windows"} {
		b := pcapFile(orders[0], magicNano, LinkEthernet, three()...)
		name := save(t, b[:24+16+2]) // in the middle of the first frame
		file, err := os.Open(name)
		must(t, err)
		var f *File
		if way == "mapped" {
			f, err = open(name, file)
		} else {
			f, err = newFile(name, &input{reader: file, file: file, under: file})
		}
		must(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		must(t, f.Follow(ctx))
		var wg sync.WaitGroup
		wg.Go(func() { must(t, appendTo(name, b[24+16+2:24+16+5+3])) })
		r, err := f.Next()
		if err != nil || string(r.Data) != "abcde" {
			t.Fatalf("%s: %v, %v", way, r, err)
		}
		wg.Wait()
		wg.Go(func() { must(t, appendTo(name, b[24+16+5+3:])) })
		rest, err := all(&first{f, 2})
		if len(rest) != 2 || err != nil {
			t.Fatalf("%s: %v, %v", way, rest, err)
		}
		wg.Wait()
		cancel()
		if _, err := f.Next(); err != io.EOF {
			t.Errorf("%s: after the end of following: %v", way, err)
		}
		must(t, f.Close())
	}
	f, err := Open(save(t, gzipped(t, threeNg(orders[0]))))
	must(t, err)
	if err := f.Follow(t.Context()); err == nil {
		t.Error("a compressed file is followed")
	}
	must(t, f.Close())
}

// first is a source that ends after n records.
type first struct {
	Source
	n int
}

func (f *first) Next() (*Record, error) {
	if f.n--; f.n < 0 {
		return nil, io.EOF
	}
	return f.Source.Next()
}

func appendTo(name string, b []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close())
}

func TestNextAllocatesNothing(t *testing.T) {
	records := make([]Record, 5000)
	for i := range records {
		records[i] = Record{Time: int64(i), Wire: 60, Data: make([]byte, 60), Link: LinkEthernet}
	}
	var ng bytes.Buffer
	w, err := NewPcapngWriter(&ng, "")
	must(t, err)
	for i := range records {
		must(t, w.Write(&records[i]))
	}
	must(t, w.Flush())
	for name, b := range map[string][]byte{"pcap": pcapFile(binary.LittleEndian, magicNano, 1, records...), "pcapng": ng.Bytes()} {
		f := opened(t, b)
		if n := testing.AllocsPerRun(4000, func() {
			if _, err := f.Next(); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations for a frame", name, n)
		}
	}
}

func BenchmarkNext(b *testing.B) {
	records := make([]Record, 200_000)
	for i := range records {
		records[i] = Record{Time: int64(i), Wire: 70, Data: make([]byte, 70), Link: LinkEthernet}
	}
	name := save(b, pcapFile(binary.LittleEndian, magicNano, 1, records...))
	for b.Loop() {
		f, err := Open(name)
		must(b, err)
		n := 0
		for r, err := f.Next(); err == nil; r, err = f.Next() {
			n += int(r.Data[0])
		}
		must(b, f.Close())
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(records)), "ns/packet")
}

func ExampleOpen() {
	f, err := Open("/nonexistent.pcap")
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	defer f.Close()
	for {
		r, err := f.Next()
		if err == io.EOF {
			return
		} else if err != nil {
			fmt.Println("error:", err) // what is whole of the file has been handed out
			return
		}
		fmt.Println(r.Number, len(r.Data))
	}
	// Output: error: open /nonexistent.pcap: no such file or directory
}
