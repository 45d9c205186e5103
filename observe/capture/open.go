package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Open opens a pcap or pcapng file, also one that gzip or zstd has packed; "-" is
// the standard input. A regular file that is not packed is mapped where the system
// can (read in windows where it cannot): Data of its records is a slice of it, and
// At goes back. What is not a capture is a *FileError that says what it looks like.
//
// A mapped file must not be cut while it is read: see Guard.
func Open(name string) (*File, error) {
	file := os.Stdin
	if name != "-" {
		var err error
		if file, err = os.Open(name); err != nil {
			return nil, err
		}
	} else {
		name = "standard input"
	}
	f, err := open(name, file)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return f, nil
}

func open(name string, file *os.File) (*File, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%s is a folder, not a capture file", name)
	}
	in := &input{reader: file, under: file}
	if info.Mode().IsRegular() {
		var magic [4]byte
		at, err := file.Seek(0, io.SeekCurrent)
		if n, _ := file.ReadAt(magic[:], 0); err == nil && at == 0 && unpacker(magic[:n]) == nil {
			in.file = file
			in.mapped, _ = mapFile(file, info.Size()) // not everything can be: then it is read
		}
	}
	return newFile(name, in)
}

// NewReader reads a capture from a stream, in either format, packed or not. Its
// records have no Offset to go back to: NewSpool gives them one. At most a window of
// 1 MiB, or one record, is held. Close does not close r.
func NewReader(r io.Reader) (*File, error) {
	return newFile("", &input{reader: r})
}

// newFile looks at the first bytes, which tell the format.
func newFile(name string, in *input) (*File, error) {
	f := &File{name: name, in: in}
	if err := f.need(4); err != nil {
		return nil, f.empty(err)
	}
	if open := unpacker(in.rest()); open != nil && in.unpack == nil {
		unpacked, err := open(&chain{in.rest(), in.reader})
		if err != nil {
			return nil, f.at(&FileError{Rule: "cannot be unpacked", Err: err}, 0)
		}
		return newFile(name, &input{reader: unpacked, unpack: unpacked, under: in.under})
	}
	var err error
	if f.format, err = f.sniff(); err != nil {
		return nil, errors.Join(f.at(err, 0), closeUnpacker(in))
	}
	return f, nil
}

func closeUnpacker(in *input) error {
	if in.unpack == nil {
		return nil
	}
	return in.unpack.Close()
}

// empty says of a file that ends before its first header that it does.
func (f *File) empty(err error) error {
	if err == io.EOF {
		err = f.at(&FileError{Rule: "the file is empty", Err: io.ErrUnexpectedEOF}, 0)
	}
	return errors.Join(err, closeUnpacker(f.in))
}

// sniff tells the format by its magic number. pcapng's section header is read by
// parse, as there can be several.
func (f *File) sniff() (format, error) {
	b := f.in.rest()
	if binary.LittleEndian.Uint32(b) == blockSection {
		return &pcapng{}, nil
	}
	if !pcapMagic(b) {
		return nil, notCapture(b)
	}
	if err := f.need(pcapHeaderSize); err != nil {
		return nil, err
	}
	p, err := parsePcapHeader(f.in.rest())
	f.in.pos += pcapHeaderSize
	return p, err
}

// lookalikes are beginnings of files that people try, and what they are.
var lookalikes = [...]struct{ magic, what string }{
	{"\xa1\xb2\xcd\x34", "pcap as modified by A. Kuznetsov (its records are longer)"},
	{"\x34\xcd\xb2\xa1", "pcap as modified by A. Kuznetsov (its records are longer)"},
	{"snoop\x00\x00\x00", "a Solaris snoop file"},
	{"\x04\x22\x4d\x18", "packed by lz4: unpack it first"},
	{"\xfd7zXZ\x00", "packed by xz: unpack it first"},
	{"BZh", "packed by bzip2: unpack it first"},
	{"PK\x03\x04", "a zip file: unpack it first"},
	{"GMBU", "a Network Monitor file"},
	{"RTSS", "a Network Monitor file"},
}

func notCapture(b []byte) error {
	for _, l := range lookalikes {
		if len(b) >= len(l.magic) && string(b[:len(l.magic)]) == l.magic {
			return broken("neither pcap nor pcapng, but %s; editcap or tcpdump may convert it", l.what)
		}
	}
	return broken("neither pcap nor pcapng: it begins with % x", b[:min(len(b), 8)])
}

// unpacker returns what unpacks a stream that begins so, or nil for none.
func unpacker(b []byte) func(io.Reader) (io.ReadCloser, error) {
	if len(b) < 4 {
		return nil
	}
	switch magic := binary.LittleEndian.Uint32(b); {
	case magic&0xffff == 0x8b1f: // RFC 1952 §2.3.1
		return func(r io.Reader) (io.ReadCloser, error) { return gzip.NewReader(r) }
	case magic == 0xfd2fb528, magic&^0xf == 0x184d2a50: // RFC 8878 §3.1.1, §3.1.2
		return unzstd
	}
	return nil
}

// unzstd unpacks without goroutines, and not with more than 128 MiB of window.
func unzstd(r io.Reader) (io.ReadCloser, error) {
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
	if err != nil {
		return nil, err
	}
	return d.IOReadCloser(), nil
}

// chain is what was read of a stream already, then the stream.
type chain struct {
	head []byte
	rest io.Reader
}

func (c *chain) Read(b []byte) (int, error) {
	if len(c.head) == 0 {
		return c.rest.Read(b)
	}
	n := copy(b, c.head)
	c.head = c.head[n:]
	return n, nil
}
