//go:build linux

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.uber.org/goleak"
)

// asDialtone makes this test binary a stand-in for dialtone: "good" moves files
// and resumes, "wrong" spoils a byte, "silent" never listens.
const asDialtone = "BENCH_TEST_DIALTONE"

func TestMain(m *testing.M) {
	if how := os.Getenv(asDialtone); how != "" && len(os.Args) > 1 && (os.Args[1] == "send" || os.Args[1] == "receive") {
		if err := fake(how, os.Args[1], os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func fake(how, verb string, args []string) error {
	value := func(name string) string { return args[slices.Index(args, name)+1] }
	if verb == "send" {
		c, err := net.Dial("tcp", args[1])
		if err != nil {
			return err
		}
		defer c.Close()
		return fakeSend(how, c, args[0])
	}
	if how == "silent" {
		return errors.New("no port for you")
	}
	l, err := net.Listen("tcp", value("--listen"))
	if err != nil {
		return err
	}
	c, err := l.Accept()
	if err != nil {
		return err
	}
	defer c.Close()
	return fakeReceive(c, value("--dir"))
}

// fakeSend sends for each file: length of name, size, name; hears how much is
// there; sends the rest.
func fakeSend(how string, c net.Conn, root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(filepath.Dir(root), path)
		info, err := d.Info()
		if err != nil {
			return err
		}
		head := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(len(name))), uint64(info.Size()))
		if _, err := c.Write(append(head, name...)); err != nil {
			return err
		}
		var have [8]byte
		if _, err := io.ReadFull(c, have[:]); err != nil {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		from := int64(binary.BigEndian.Uint64(have[:]))
		if how == "wrong" && info.Size() > from {
			c.Write([]byte{0})
			from++
		}
		_, err = io.Copy(c, io.NewSectionReader(f, from, info.Size()-from))
		return err
	})
}

func fakeReceive(c net.Conn, dir string) error {
	for {
		var head [16]byte
		if _, err := io.ReadFull(c, head[:]); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		name := make([]byte, binary.BigEndian.Uint64(head[:]))
		if _, err := io.ReadFull(c, name); err != nil {
			return err
		}
		path := filepath.Join(dir, string(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
		if err != nil {
			return err
		}
		info, err := f.Stat()
		if err != nil {
			return err
		}
		c.Write(binary.BigEndian.AppendUint64(nil, uint64(info.Size())))
		_, err = io.CopyN(f, c, int64(binary.BigEndian.Uint64(head[8:]))-info.Size())
		f.Close()
		if err != nil {
			return err
		}
	}
}
