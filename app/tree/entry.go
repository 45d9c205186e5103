// Package tree reads a tree of files where they are sent from and writes it
// where they arrive, so that nothing a file system can say of a file is lost and
// nothing that arrives leaves its folder.
package tree

import (
	"io/fs"
	"time"
)

// Kind is what an entry is.
type Kind uint8

const (
	File    Kind = iota + 1 // a regular file
	Dir                     // a folder; what is in it follows, then its Leave
	Leave                   // everything in the folder Path has been named
	Symlink                 // a symbolic link, never followed
	Link                    // a further name (hard link) of a File named before
)

// Entry is one thing of a tree, as it is named to the receiver.
type Entry struct {
	Path    string      // from the tree's root, slash-separated; see CheckPath
	Kind    Kind        //
	Mode    fs.FileMode // permission bits, setuid, setgid and sticky; File and Dir
	ModTime time.Time   // to the nanosecond; File, Dir, Symlink; zero when it is not known
	Size    int64       // of a File, in bytes; -1 when it is not known before its end
	Sparse  bool        // the File has holes
	Target  string      // of a Symlink its text, of a Link the Path of the File
	XAttrs  []XAttr     // extended attributes, where they were asked for
}

// XAttr is one extended attribute.
type XAttr struct {
	Name  string
	Value []byte
}
