package tree

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"
)

// maxXAttrs is for the names and values of one file together; one value is at
// most 64 KiB (XATTR_SIZE_MAX), and so are all names.
const maxXAttrs = 64 << 10

var errXAttrs = errors.New("more than 64 KiB: some are left out")

func (l *kernelLevel) xattrs(name []byte) ([]XAttr, error) {
	if name == nil {
		return xattrsOf(l.fd)
	}
	fd, err := retry(func() (int, error) {
		return unix.Openat(l.fd, unsafeString(name), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	return xattrsOf(fd)
}

func (p *kernelPlace) xattrs([]byte) ([]XAttr, error) {
	fd, err := p.descriptor("", unix.O_RDONLY|unix.O_NONBLOCK)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	return xattrsOf(fd)
}

// xattrsOf returns the attributes of an open file that mean something elsewhere.
func xattrsOf(fd int) (list []XAttr, err error) {
	names, err := attribute(func(buf []byte) (int, error) { return unix.Flistxattr(fd, buf) })
	if err != nil {
		return nil, err
	}
	total := 0
	for name := range strings.SplitSeq(string(names), "\x00") {
		if !portable(name) {
			continue
		}
		value, err := attribute(func(buf []byte) (int, error) { return unix.Fgetxattr(fd, name, buf) })
		if err != nil {
			return list, err
		}
		if total += len(name) + len(value); total > maxXAttrs {
			return list, errXAttrs
		}
		list = append(list, XAttr{name, value})
	}
	return list, nil
}

// attribute asks how much there is, and then for it; it may have grown meanwhile.
func attribute(get func([]byte) (int, error)) ([]byte, error) {
	n, err := get(nil)
	for err == nil && n > 0 {
		buf := make([]byte, n)
		if n, err = get(buf); err == nil {
			return buf[:n], nil
		}
		if err == unix.ERANGE {
			n, err = get(nil)
		}
	}
	return nil, err
}

// portable reports whether an attribute is the file's own: what its owner wrote,
// who may use it, and what it may do. Labels of a security module are the
// machine's.
func portable(name string) bool {
	switch name {
	case "system.posix_acl_access", "system.posix_acl_default", "security.capability":
		return true
	}
	return strings.HasPrefix(name, "user.")
}
