package tree

import (
	"io/fs"
	"os"
	"time"
)

// A handle is an open folder of the target. Every operation is on one name in
// it, never on a path, and never follows a symbolic link; so whatever happens to
// the names above, nothing is made or changed outside. There are two kinds: by
// os.Root everywhere, and by the *at system calls on Linux, which cost a third.
//
// Several goroutines may use a handle at once, until Close.
type handle interface {
	lstat(name string) (stat, error)
	mkdir(name string) error // for this user only (0700)
	openDir(name string) (handle, error)
	remove(name string) error
	symlink(text, name string) error
	readlink(name string) (string, error)
	link(name string, to handle, as string) error
	rename(from, to string) error    // what is at to is replaced
	renameNew(from, to string) error // what is at to stays: fs.ErrExist

	create(name string) (*os.File, error)     // for this user only (0600); must not be there yet
	open(name string) (*os.File, error)       // read and write; may be something else than a file
	openRead(name string) (*os.File, error)   // never waits
	touch(name string, mtime time.Time) error // of a symbolic link itself

	// keep gives f, which is called name here, what e says of it.
	keep(f *os.File, name string, e *Entry, r reporter) error

	// whole makes a complete file without a name; errors.ErrUnsupported where
	// there is no such thing.
	whole(e *Entry, p []byte, plainModes bool, r reporter) (unnamed, error)

	self() (stat, error)
	chmod(mode fs.FileMode) error
	keepSelf(e *Entry, r reporter) error
	plainModes() bool               // new files get the mode asked for, less the umask
	syncNames() error               // to the disk: the names in this folder
	syncAll() error                 // to the disk: all of this file system; errors.ErrUnsupported where one cannot
	free() (space int64, err error) // bytes that this user can still write here
	traits() traits
	close() error
}

// reporter is told what of an entry could not be kept.
type reporter interface{ lost(what string) }

// unnamed is a file that has its content but no name.
type unnamed interface {
	sync() error
	publish(h handle, name string) error // fs.ErrExist when name is taken
	close() error
	stat() (stat, error)
}

// stat is what the target must know of a thing on disk.
type stat struct {
	mode    fs.FileMode
	size    int64
	mtime   time.Time
	dev     uint64
	ino     uint64 // 0 where there is none
	links   uint64
	foreign bool // belongs to another user
}

func (s stat) id() fileID { return fileID{s.dev, s.ino} }

// fileID is what stays the same when a file is renamed.
type fileID struct{ dev, ino uint64 }

// traits are what a file system is like.
type traits struct {
	memory    bool          // nothing of it is on a disk
	precision time.Duration // of times; 0 means to the nanosecond
}
