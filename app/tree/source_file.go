package tree

import (
	"io"
	"io/fs"
	"os"
)

// kernelFile is a SourceFile of the kernel.
type kernelFile struct {
	f *os.File
	e Entry
}

func (f *kernelFile) File() *os.File { return f.f }
func (f *kernelFile) Close() error   { return f.f.Close() }

func (f *kernelFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.f.ReadAt(p, off)
	if err == io.EOF && off+int64(n) < f.e.Size {
		err = &fs.PathError{Op: "read", Path: f.e.Path, Err: ErrChanged}
	}
	return n, err
}

func (f *kernelFile) Data(off int64) (start, end int64, err error) {
	switch {
	case f.e.Size >= 0 && off >= f.e.Size:
		return 0, 0, io.EOF
	case !f.e.Sparse || f.e.Size < 0:
		return off, dataEnd(&f.e), nil
	}
	start, end, err = extent(f.f, off)
	if err == nil && start >= f.e.Size {
		err = io.EOF
	}
	if err != nil {
		return 0, 0, err
	}
	return start, min(end, f.e.Size), nil
}

// dataEnd is where data without holes ends.
func dataEnd(e *Entry) int64 {
	if e.Size < 0 {
		return 1<<63 - 1
	}
	return e.Size
}

func (f *kernelFile) Changed() error {
	info, err := f.f.Stat()
	if err == nil {
		err = checkInfo(info, &f.e)
	}
	if err != nil {
		return &fs.PathError{Op: "read", Path: f.e.Path, Err: err}
	}
	return nil
}

// checkInfo returns ErrChanged when info is not about e.
func checkInfo(info fs.FileInfo, e *Entry) error {
	switch {
	case !info.Mode().IsRegular():
		return ErrChanged
	case e.Size >= 0 && (info.Size() != e.Size || !info.ModTime().Equal(e.ModTime)):
		return ErrChanged
	}
	return nil
}
