// Command bare moves files with nothing around them: no encryption, no hash, no
// resume, no names checked. It is the limit that a transfer is held against,
// not a rival. Big files go by sendfile and splice, small ones through a buffer.
//
//	bare receive ADDR DIR
//	bare send [-streams N] [-cc NAME] PATH ADDR
//
// A stream is a sequence of: length of name (2), name, offset (8), length (8),
// bytes. It ends with FIN, and is answered with FIN when all is written.
package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

const small = 256 << 10 // bytes up to which a file goes through the buffer

func main() {
	log.SetFlags(0)
	if err := run(os.Args[1:]); err != nil {
		log.Fatal("bare: ", err)
	}
}

func run(args []string) error {
	if len(args) == 3 && args[0] == "receive" {
		return receive(args[1], args[2])
	}
	flags := flag.NewFlagSet("bare send", flag.ContinueOnError)
	streams := flags.Int("streams", 1, "connections")
	control := flags.String("cc", "", "congestion control, instead of the system's")
	if len(args) == 0 || args[0] != "send" {
		return errors.New("send or receive?")
	}
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	return send(flags.Arg(0), flags.Arg(1), *streams, *control)
}

// part is a piece of a file that one stream carries.
type part struct {
	path, name   string
	offset, size int64
}

func send(path, addr string, streams int, control string) error {
	parts := make(chan part, 1024)
	failed := make(chan error, streams+1)
	var all sync.WaitGroup
	for range streams {
		all.Go(func() { failed <- sendStream(addr, control, parts) })
	}
	err := walk(path, int64(streams), parts)
	close(parts)
	all.Wait()
	close(failed)
	for e := range failed {
		err = errors.Join(err, e)
	}
	return err
}

// walk lists what is to be sent: the files of a tree, or the shares of a file.
func walk(path string, streams int64, parts chan<- part) error {
	base := filepath.Dir(filepath.Clean(path))
	return filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(base, p)
		share := info.Size()
		if share > small {
			share = (share + streams - 1) / streams
		}
		for at := int64(0); at == 0 || at < info.Size(); at += max(share, 1) {
			parts <- part{p, name, at, min(share, info.Size()-at)}
		}
		return err
	})
}

func sendStream(addr, control string, parts <-chan part) error {
	err := func() error {
		dialer := net.Dialer{Control: choose(control)}
		conn, err := dialer.Dial("tcp", addr)
		if err != nil {
			return err
		}
		defer conn.Close()
		c := conn.(*net.TCPConn)
		buf := make([]byte, 0, small+4096)
		for p := range parts {
			if err := sendPart(c, p, buf); err != nil {
				return err
			}
		}
		if err := c.CloseWrite(); err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, c)
		return err
	}()
	for range parts { // so that the walk ends, too
	}
	return err
}

func choose(control string) func(string, string, syscall.RawConn) error {
	if control == "" {
		return nil
	}
	return func(_, _ string, raw syscall.RawConn) (err error) {
		const congestion = 13 // TCP_CONGESTION
		e := raw.Control(func(fd uintptr) {
			err = syscall.SetsockoptString(int(fd), syscall.IPPROTO_TCP, congestion, control)
		})
		return errors.Join(e, err)
	}
}

func sendPart(c *net.TCPConn, p part, buf []byte) error {
	f, err := os.Open(p.path)
	if err != nil {
		return err
	}
	defer f.Close()
	buf = binary.BigEndian.AppendUint16(buf[:0], uint16(len(p.name)))
	buf = append(buf, p.name...)
	buf = binary.BigEndian.AppendUint64(buf, uint64(p.offset))
	buf = binary.BigEndian.AppendUint64(buf, uint64(p.size))
	if p.size <= small && p.offset == 0 {
		head := len(buf)
		buf = buf[:head+int(p.size)]
		if _, err := io.ReadFull(f, buf[head:]); err != nil {
			return err
		}
		_, err = c.Write(buf)
		return err
	}
	if _, err := c.Write(buf); err != nil {
		return err
	}
	if _, err := f.Seek(p.offset, io.SeekStart); err != nil {
		return err
	}
	_, err = c.ReadFrom(io.LimitReader(f, p.size)) // sendfile(2)
	return err
}

// receive takes streams until none is left open after the first.
func receive(addr, dir string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	folders := &sync.Map{}
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			if err := receiveStream(c.(*net.TCPConn), dir, folders); err != nil {
				log.Print("bare: ", err)
				c.(*net.TCPConn).SetLinger(0) // the sender is to notice
			}
		}()
	}
}

func receiveStream(c *net.TCPConn, dir string, folders *sync.Map) error {
	r, buf := bufio.NewReaderSize(c, small), make([]byte, small)
	for {
		p, err := readHead(r)
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		path := filepath.Join(dir, p.name)
		if folder := filepath.Dir(path); !known(folders, folder) {
			if err := os.MkdirAll(folder, 0o755); err != nil {
				return err
			}
		}
		if err := receivePart(c, r, path, p, buf); err != nil {
			return err
		}
	}
}

func known(folders *sync.Map, folder string) bool {
	_, loaded := folders.LoadOrStore(folder, true)
	if loaded {
		_, err := os.Stat(folder) // by the other stream, perhaps not yet
		return err == nil
	}
	return false
}

// readHead returns io.EOF when the stream has ended between two parts.
func readHead(r *bufio.Reader) (p part, err error) {
	var length [2]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return p, err
	}
	rest := make([]byte, int(binary.BigEndian.Uint16(length[:]))+16)
	if _, err := io.ReadFull(r, rest); err != nil {
		return p, fmt.Errorf("cut in a header: %w", io.ErrUnexpectedEOF)
	}
	n := len(rest) - 16
	p.name = string(rest[:n])
	p.offset = int64(binary.BigEndian.Uint64(rest[n:]))
	p.size = int64(binary.BigEndian.Uint64(rest[n+8:]))
	return p, nil
}

func receivePart(c *net.TCPConn, r *bufio.Reader, path string, p part, buf []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	if p.size <= small && p.offset == 0 {
		if _, err := io.ReadFull(r, buf[:p.size]); err != nil {
			return err
		}
		_, err := f.Write(buf[:p.size])
		return err
	}
	if _, err := f.Seek(p.offset, io.SeekStart); err != nil {
		return err
	}
	first := min(int64(r.Buffered()), p.size)
	if _, err := io.CopyN(f, r, first); err != nil {
		return err
	}
	n, err := f.ReadFrom(io.LimitReader(c, p.size-first)) // splice(2)
	if err == nil && n != p.size-first {
		err = io.ErrUnexpectedEOF
	}
	return err
}
