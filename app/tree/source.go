package tree

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// ErrChanged says that a file is not what it was when Walk named it: its size,
// its modification time or its kind is another. The kernel's clock decides how
// fine the time is; a file that is replaced by another of the same size and the
// same time to the nanosecond is taken for itself.
var ErrChanged = errors.New("changed since it was listed")

// SourceOptions say what of a tree is sent. The zero value sends all of it.
//
// Patterns are those of gitignore(5). A pattern without a slash matches names at
// any depth ("*.o"); one with a slash in front or in the middle matches from the
// folder that was named to be sent ("/build", "doc/*.txt"); a slash at the end
// matches folders only ("dir/"). "*", "?" and "[a-z]" stay inside one name, "**/"
// in front means any depth, "/**" at the end everything inside, "/**/" between
// any number of folders. A backslash takes away a character's meaning. Of several
// patterns that match, the last one decides, and "!" in front turns one round.
// Bytes are compared as they are. What is named to be sent is sent, whatever the
// patterns say: they apply to what is in it.
type SourceOptions struct {
	// Exclude leaves out what it matches; nothing in a folder left out can be
	// brought back by "!".
	Exclude []string

	// Include, unless empty, leaves out everything else: sent are the files that
	// it matches, all that is in a folder that it matches, and the folders
	// that lead there. Exclude still takes away from that.
	Include []string

	XAttrs        bool // extended attributes that can be given away: user.*, POSIX ACLs, capabilities (Linux)
	OneFileSystem bool // a folder on another file system is sent empty

	// Notice is told what is left out of a tree and why: sockets, devices,
	// pipes, what cannot be read, what vanished, unfinished transfers of our own.
	// It is called by the goroutine that is in Walk. nil: nobody listens.
	Notice func(path, what string)
}

// Source is files and folders to be sent. Walk, Open, ReadSmall and Total may be
// called by several goroutines at once.
type Source struct {
	options SourceOptions
	exclude rules
	include rules
	roots   []*root
	byName  map[string]*root
}

// root is one thing that was named to be sent.
type root struct {
	name   string // first element of its entries' paths; "" when only what is in it is sent
	folder bool
	place
}

// place is where a root's bytes come from. Paths are from the root, "" is the
// root itself.
type place interface {
	leaf                     // of a root that is no folder
	status() (status, error) // of the same
	enter() (level, status, error)
	open(rel string, e Entry) (SourceFile, error)
	readSmall(rel string, e Entry, buf []byte) (int, error)
	close() error
}

// SourceFile is a file of a Source, open for reading. ReadAt and Data may be
// called by several goroutines at once.
type SourceFile interface {
	io.ReaderAt // ErrChanged when the file ends before its Entry's Size
	io.Closer

	// Data returns the first extent of data that ends after off, cut to begin at
	// off and to end at the file's size; io.EOF when only a hole follows, or
	// nothing. Where nobody can tell, all is data; when the size is not known, data
	// has no end. On Linux Data moves the offset of File's descriptor, so that
	// who reads from that says where (pread, sendfile with an offset).
	Data(off int64) (start, end int64, err error)

	// Changed returns ErrChanged when the file is no longer what its Entry says.
	Changed() error

	// File returns the kernel's file, or nil when it is none.
	File() *os.File
}

// heldRoots is for how many of the folders that were named a descriptor is held;
// thousands may be named.
const heldRoots = 64

// NewSource returns the files and folders at paths, named as on a command line.
// Each arrives under the last element of its path: "holiday" and "holiday/" both
// as the folder holiday, "." and ".." under the folder's own name, and of a
// file system's root ("/", which can only be sent alone) what is in it. A
// symbolic link is sent as a link, unless a slash follows it: then it is what it
// leads to.
//
// The error names the path that is missing, that cannot be read, that is neither
// file nor folder nor link, or that would arrive under the name of another.
func NewSource(paths []string, o SourceOptions) (*Source, error) {
	if len(paths) == 0 {
		return nil, errors.New("nothing to send: no path was given")
	}
	s, err := newSource(o)
	if err != nil {
		return nil, err
	}
	given := map[string]string{}
	for _, path := range paths {
		r, err := argument(path, len(s.roots) < heldRoots)
		if err == nil {
			err = s.add(r, path, given)
		}
		if err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

// FromFS returns everything in fsys. Symbolic links are known where fsys is an
// fs.ReadLinkFS. A file of which fsys knows no permissions is sent as 0644, a
// folder as 0755; a time that it does not know is the zero time. Patterns that
// cannot be understood are reported by Walk.
func FromFS(fsys fs.FS, o SourceOptions) *Source {
	s, err := newSource(o)
	at := place(&fsPlace{fsys: fsys, base: ".", bare: true})
	if err != nil {
		at = brokenPlace{at, err}
	}
	r := &root{folder: true, place: at}
	s.roots, s.byName[""] = append(s.roots, r), r
	return s
}

// brokenPlace cannot be walked.
type brokenPlace struct {
	place
	err error
}

func (p brokenPlace) enter() (level, status, error) { return nil, status{}, p.err }

func newSource(o SourceOptions) (*Source, error) {
	s := &Source{options: o, byName: map[string]*root{}}
	var err error
	if s.exclude, err = parseRules("exclude", o.Exclude); err != nil {
		return s, err
	}
	s.include, err = parseRules("include", o.Include)
	return s, err
}

// add takes r, which was given as path, unless its name is taken.
func (s *Source) add(r *root, path string, given map[string]string) error {
	s.roots = append(s.roots, r)
	before, ok := given[r.name]
	if ok {
		return fmt.Errorf("%s and %s would both arrive as %s: send them one after the other", before, path, r.name)
	}
	given[r.name], s.byName[r.name] = path, r
	if len(s.roots) > 1 && s.byName[""] != nil {
		return fmt.Errorf("%s is a whole file system: send it alone", given[""])
	}
	return nil
}

// find returns the root that path, an Entry's, is in, and the path from there.
func (s *Source) find(op, path string) (*root, string, error) {
	if r := s.byName[""]; r != nil {
		return r, path, nil
	}
	name, rel, _ := strings.Cut(path, "/")
	if r := s.byName[name]; r != nil {
		return r, rel, nil
	}
	return nil, "", &fs.PathError{Op: op, Path: path, Err: fs.ErrNotExist}
}

// Open opens the File that e names, which Walk has named before. It never
// follows a symbolic link and never waits for a pipe: what is no longer the
// regular file that it was is ErrChanged.
func (s *Source) Open(e Entry) (SourceFile, error) {
	r, rel, err := s.find("open", e.Path)
	if err != nil {
		return nil, err
	}
	return r.open(rel, e)
}

// ReadSmall reads the whole File that e names into buf and returns its size. It
// does what Open, ReadAt, Changed and Close do, in as few system calls as there
// can be. A file that does not fit into buf is io.ErrShortBuffer; after any
// error what is in buf means nothing.
func (s *Source) ReadSmall(e Entry, buf []byte) (int, error) {
	r, rel, err := s.find("read", e.Path)
	if err != nil {
		return 0, err
	}
	if e.Size > int64(len(buf)) {
		return 0, &fs.PathError{Op: "read", Path: e.Path, Err: io.ErrShortBuffer}
	}
	return r.readSmall(rel, e, buf)
}

// Total walks the tree to count what a Walk would send, for a progress bar: its
// Files and the bytes in them as far as sizes are known. Notice is not called.
// It costs about as much as the Walk. When ctx ends it returns what it has
// counted, and ctx's error.
func (s *Source) Total(ctx context.Context) (files, bytes int64, err error) {
	w := s.newWalker(ctx, func(e Entry) error {
		if e.Kind == File {
			files++
			bytes += max(0, e.Size)
		}
		return nil
	})
	w.notice = func(string, string) {}
	w.xattrs = false
	err = w.walk(s.roots)
	return files, bytes, err
}

// Close lets go of what the Source holds open, once nothing reads from it. Files
// that Open returned are not closed. To forget it does no harm.
func (s *Source) Close() error {
	var errs []error
	for _, r := range s.roots {
		errs = append(errs, r.close())
	}
	return errors.Join(errs...)
}
