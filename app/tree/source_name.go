package tree

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// argument returns what path, from a command line, stands for; hold says that its
// descriptor may be held.
func argument(path string, hold bool) (*root, error) {
	name, info, err := lookUp(path)
	var cause *fs.PathError
	if errors.As(err, &cause) {
		err = cause.Err
	}
	if err != nil {
		return nil, &fs.PathError{Op: "send", Path: path, Err: err}
	}
	r := &root{name: name, folder: info.IsDir()}
	r.place = newPlace(path, r.folder, hold)
	return r, nil
}

// lookUp returns under which name path arrives and what is there. What cannot be
// read or cannot be sent is an error.
func lookUp(path string) (name string, info fs.FileInfo, err error) {
	if path == "" {
		return "", nil, errors.New("the path is empty")
	}
	if info, err = look(path); err != nil {
		return "", nil, err
	}
	if name, err = nameOf(path); err != nil {
		return "", nil, err
	}
	if isHidden(name) {
		return "", nil, errors.New("is part of an unfinished transfer")
	}
	return name, info, readable(path, info)
}

// look is about a link itself, unless a slash follows it.
func look(path string) (fs.FileInfo, error) {
	if os.IsPathSeparator(path[len(path)-1]) {
		return os.Stat(path)
	}
	return os.Lstat(path)
}

// readable tells before anything is sent what will not go.
func readable(path string, info fs.FileInfo) error {
	if info.Mode().Type() == fs.ModeSymlink {
		return nil
	}
	if what := special(info.Mode()); what != "" {
		return errors.New("is a " + what + ", neither file nor folder nor link")
	}
	f, err := os.OpenFile(path, os.O_RDONLY|nonblock, 0)
	if err != nil {
		return err
	}
	return f.Close()
}

// nameOf returns the last element of path; of a file system's root "".
func nameOf(path string) (string, error) {
	trimmed := strings.TrimRight(path[len(filepath.VolumeName(path)):], separators)
	i := strings.LastIndexAny(trimmed, separators)
	switch name := trimmed[i+1:]; name {
	default:
		return name, nil
	case "", ".", "..": // only the file system knows, be there links in the path
		real, err := filepath.EvalSymlinks(path)
		if err == nil {
			real, err = filepath.Abs(real)
		}
		if err != nil {
			return "", err
		}
		if filepath.Dir(real) == real {
			return "", nil
		}
		return filepath.Base(real), nil
	}
}

// special returns what a thing is that cannot be sent, or "".
func special(m fs.FileMode) string {
	switch t := m.Type(); {
	case t&fs.ModeNamedPipe != 0:
		return "pipe"
	case t&fs.ModeSocket != 0:
		return "socket"
	case t&(fs.ModeDevice|fs.ModeCharDevice) != 0:
		return "device"
	case t&^(fs.ModeDir|fs.ModeSymlink) != 0:
		return "special file"
	}
	return ""
}
