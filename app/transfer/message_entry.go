package transfer

import (
	"encoding/binary"
	"io/fs"
	"time"

	"dialtone/app/tree"
)

// Entries are numbered from 0 in the order in which they are named. Their paths
// share a beginning with the one before: only the rest travels.
//
// An entry's flags.
const (
	flagSparse = 1 << iota
	flagXAttrs
)

// unixMode packs a mode as the lower 12 bits of a Unix st_mode.
func unixMode(m fs.FileMode) int64 {
	v := int64(m.Perm())
	for i, b := range []fs.FileMode{fs.ModeSticky, fs.ModeSetgid, fs.ModeSetuid} {
		if m&b != 0 {
			v |= 0o1000 << i
		}
	}
	return v
}

func fileMode(v int64) fs.FileMode {
	m := fs.FileMode(v & 0o777)
	for i, b := range []fs.FileMode{fs.ModeSticky, fs.ModeSetgid, fs.ModeSetuid} {
		if v&(0o1000<<i) != 0 {
			m |= b
		}
	}
	return m
}

// appendEntry appends e, which follows an entry with the path before.
func appendEntry(b []byte, e tree.Entry, before string) []byte {
	shared := sharedPrefix(before, e.Path)
	b = append(b, byte(e.Kind))
	b = appendUint(b, int64(shared))
	b = appendText(b, e.Path[shared:])
	switch e.Kind {
	case tree.Leave:
		return b
	case tree.Link:
		return appendText(b, e.Target)
	}
	b = appendTime(b, e.ModTime)
	if e.Kind == tree.Symlink {
		return appendText(b, e.Target)
	}
	var flags byte
	if e.Sparse {
		flags |= flagSparse
	}
	if len(e.XAttrs) > 0 {
		flags |= flagXAttrs
	}
	b = append(b, flags)
	b = appendUint(b, unixMode(e.Mode))
	if e.Kind == tree.File {
		b = appendUint(b, e.Size+1)
	}
	if len(e.XAttrs) > 0 {
		b = appendUint(b, int64(len(e.XAttrs)))
		for _, x := range e.XAttrs {
			b = appendText(appendText(b, x.Name), x.Value)
		}
	}
	return b
}

// parseEntries reads a frame of entries and hands each to take.
func parseEntries(head []byte, take func(tree.Entry) error) error {
	d := &decoder{b: head}
	before, text := "", 0
	for len(d.b) > 0 && d.err == nil {
		e := parseEntry(d, before)
		before = e.Path
		if text += len(e.Path); text > maxFrameText { // sharing a beginning would make much out of little
			d.fail("too much text in a frame of entries")
		}
		if d.err == nil {
			d.err = take(e)
		}
	}
	return d.err
}

// parseEntry reads an entry that follows one with the path before.
func parseEntry(d *decoder, before string) (e tree.Entry) {
	e.Kind = tree.Kind(d.byte())
	if e.Kind < tree.File || e.Kind > tree.Link {
		d.fail("an entry of unknown kind")
		return e
	}
	shared := d.int(int64(len(before)))
	e.Path = before[:shared] + d.text(maxPathBytes)
	if len(e.Path) > maxPathBytes {
		d.fail("a path is too long")
	}
	switch e.Kind {
	case tree.Leave:
		return e
	case tree.Link:
		e.Target = d.text(maxTarget)
		return e
	}
	e.ModTime = parseTime(d)
	if e.Kind == tree.Symlink {
		e.Target = d.text(maxTarget)
		return e
	}
	flags := d.byte()
	e.Sparse = flags&flagSparse != 0
	e.Mode = fileMode(d.int(0o7777))
	if e.Kind == tree.File {
		e.Size = d.int(maxSize+1) - 1
	}
	if flags&flagXAttrs != 0 {
		e.XAttrs = parseXAttrs(d)
	}
	return e
}

func parseXAttrs(d *decoder) []tree.XAttr {
	n := d.int(maxXAttrs)
	var all []tree.XAttr
	for i := int64(0); i < n && d.err == nil; i++ {
		all = append(all, tree.XAttr{Name: d.text(maxXAttrValue), Value: append([]byte(nil), d.bytes(maxXAttrValue)...)})
	}
	return all
}

func appendTime(b []byte, t time.Time) []byte {
	b = binary.AppendVarint(b, t.Unix())
	return appendUint(b, int64(t.Nanosecond()))
}

func parseTime(d *decoder) time.Time {
	sec := d.signed()
	return time.Unix(sec, d.int(999_999_999))
}

func sharedPrefix(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
