package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"dialtone/app/quantity"
	"dialtone/observe/flow"
	"dialtone/observe/ladder"
)

// follower is what --follow shows, or writes with --out.
func (t *tracing) follower() (s ladder.Sink, finish func() error, err error) {
	if t.out == "" {
		d := ladder.NewDialogue(t.stdout, t.style)
		return ladder.NewFollower(d.Piece, d.End), d.Flush, nil
	}
	if err := os.MkdirAll(t.out, 0o777); err != nil {
		return nil, nil, err
	}
	f := &folder{dir: t.out}
	return ladder.NewFollower(f.piece, f.end), f.finish, nil
}

// folder writes each direction into a file of its own. The files of one
// conversation at a time are open.
type folder struct {
	dir   string
	talk  int
	files [2]*os.File
	begun map[string]bool
	gaps  int64
}

func (f *folder) piece(c *flow.Conversation, p flow.Piece) error {
	if f.talk != c.ID {
		if err := f.close(); err != nil {
			return err
		}
		f.talk = c.ID
	}
	f.gaps += p.Gap
	if len(p.Data) == 0 {
		return nil
	}
	if f.files[p.From] == nil {
		var err error
		if f.files[p.From], err = f.open(directionName(c, p.From)); err != nil {
			return err
		}
	}
	_, err := f.files[p.From].Write(p.Data)
	return err
}

// open makes a file, or goes on with one that this run has made. It overwrites
// nothing.
func (f *folder) open(name string) (*os.File, error) {
	mode := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if f.begun[name] {
		mode = os.O_WRONLY | os.O_APPEND
	}
	file, err := os.OpenFile(filepath.Join(f.dir, name), mode, 0o666)
	if errors.Is(err, os.ErrExist) {
		return nil, withHint(err, "nothing is overwritten: name another folder with --out")
	}
	if err != nil {
		return nil, err
	}
	if f.begun == nil {
		f.begun = map[string]bool{}
	}
	f.begun[name] = true
	return file, nil
}

// directionName is the file of what an end sent: 0001-192.0.2.1.48712-192.0.2.2.80.
// Colons are not for every file system.
func directionName(c *flow.Conversation, from int) string {
	name := func(end int) string {
		a := c.Ends[end].Addr
		return strings.ReplaceAll(a.Addr().String(), ":", "_") + fmt.Sprintf(".%d", a.Port())
	}
	return fmt.Sprintf("%04d-%s-%s", c.ID, name(from), name(1-from))
}

func (f *folder) end(c *flow.Conversation) error {
	if f.talk == c.ID {
		return f.close()
	}
	return nil
}

func (f *folder) close() (err error) {
	for i, file := range f.files {
		if file != nil {
			err = errors.Join(err, file.Close())
			f.files[i] = nil
		}
	}
	f.talk = 0
	return err
}

func (f *folder) finish() error {
	err := f.close()
	if err == nil && len(f.begun) > 0 {
		fmt.Fprintf(os.Stderr, "wrote %s to %s\n", quantity.CountOf(int64(len(f.begun)), "file"), oneLine(f.dir))
	}
	if f.gaps > 0 {
		fmt.Fprintf(os.Stderr, "%s were not captured and are left out\n", quantity.CountOf(f.gaps, "byte"))
	}
	return err
}
