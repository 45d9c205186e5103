package tree

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// linuxHandle is a folder by its descriptor.
type linuxHandle struct {
	fd     int
	shared *linuxShared
}

// linuxShared is what all handles of a target know.
type linuxShared struct {
	umask   fs.FileMode
	viaProc atomic.Bool // a file without a name gets one through /proc
}

func openHandle(dir string) (handle, error) {
	fd, err := retry(func() (int, error) {
		return unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: dir, Err: err}
	}
	return &linuxHandle{fd, &linuxShared{umask: processUmask()}}, nil
}

// retry repeats a call that a signal interrupted.
func retry[T any](call func() (T, error)) (T, error) {
	for {
		v, err := call()
		if err != syscall.EINTR { //nolint:errorlint // it comes from the system call itself
			return v, err
		}
	}
}

func (h *linuxHandle) lstat(name string) (stat, error) {
	var st unix.Stat_t
	if err := unix.Fstatat(h.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return stat{}, err
	}
	return statFrom(&st), nil
}

func (h *linuxHandle) self() (stat, error) { return fstat(h.fd) }

func fstat(fd int) (stat, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return stat{}, err
	}
	return statFrom(&st), nil
}

func statFrom(st *unix.Stat_t) stat {
	s := stat{
		mode:    fs.FileMode(st.Mode & 0o777),
		size:    st.Size,
		mtime:   time.Unix(st.Mtim.Unix()),
		dev:     uint64(st.Dev),
		ino:     st.Ino,
		links:   uint64(st.Nlink),
		foreign: st.Uid != uint32(os.Geteuid()),
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
	case unix.S_IFDIR:
		s.mode |= fs.ModeDir
	case unix.S_IFLNK:
		s.mode |= fs.ModeSymlink
	default:
		s.mode |= fs.ModeIrregular
	}
	return s
}

func (h *linuxHandle) mkdir(name string) error  { return unix.Mkdirat(h.fd, name, 0o700) }
func (h *linuxHandle) remove(name string) error { return unix.Unlinkat(h.fd, name, 0) }

func (h *linuxHandle) symlink(text, name string) error { return unix.Symlinkat(text, h.fd, name) }

func (h *linuxHandle) readlink(name string) (string, error) {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(h.fd, name, buf)
	if err != nil {
		return "", err
	}
	return string(buf[:n]), nil
}

func (h *linuxHandle) link(name string, to handle, as string) error {
	return unix.Linkat(h.fd, name, to.(*linuxHandle).fd, as, 0)
}

func (h *linuxHandle) rename(from, to string) error { return unix.Renameat(h.fd, from, h.fd, to) }

// renameNew is one call that replaces nothing. File systems that do not know it
// (some network and old ones) get a link and a removal, or, without hard links,
// a look and a rename.
func (h *linuxHandle) renameNew(from, to string) error {
	err := unix.Renameat2(h.fd, from, h.fd, to, unix.RENAME_NOREPLACE)
	if !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOSYS) {
		return err
	}
	if err = unix.Linkat(h.fd, from, h.fd, to, 0); err == nil {
		return h.remove(from)
	} else if errors.Is(err, unix.EEXIST) {
		return err
	}
	if _, err := h.lstat(to); err == nil {
		return unix.EEXIST
	}
	return h.rename(from, to)
}

func (h *linuxHandle) openDir(name string) (handle, error) {
	fd, err := retry(func() (int, error) {
		return unix.Openat(h.fd, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	})
	switch {
	case errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP):
		return nil, errNotFolder
	case err != nil:
		return nil, os.NewSyscallError("openat", err)
	}
	return &linuxHandle{fd, h.shared}, nil
}

func (h *linuxHandle) create(name string) (*os.File, error) {
	return h.openFile(name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL)
}

func (h *linuxHandle) open(name string) (*os.File, error) { return h.openFile(name, unix.O_RDWR) }

func (h *linuxHandle) openRead(name string) (*os.File, error) { return h.openFile(name, unix.O_RDONLY) }

func (h *linuxHandle) openFile(name string, how int) (*os.File, error) {
	fd, err := retry(func() (int, error) {
		return unix.Openat(h.fd, name, how|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0o600)
	})
	if err != nil {
		return nil, os.NewSyscallError("openat", err)
	}
	// Without O_NONBLOCK from here on: it means nothing for a regular file and
	// would make package os try to poll it.
	if err := unix.SetNonblock(fd, false); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// plainModes reports whether no access control list of the folder's changes what
// mode a new file gets (acl(5), "object creation and default ACLs").
func (h *linuxHandle) plainModes() bool {
	_, err := unix.Fgetxattr(h.fd, "system.posix_acl_default", nil)
	return errors.Is(err, unix.ENODATA) || errors.Is(err, unix.EOPNOTSUPP)
}

func (h *linuxHandle) syncNames() error { return unix.Fsync(h.fd) }
func (h *linuxHandle) syncAll() error   { return unix.Syncfs(h.fd) }
func (h *linuxHandle) close() error     { return unix.Close(h.fd) }

func (h *linuxHandle) free() (int64, error) {
	var st unix.Statfs_t
	if err := unix.Fstatfs(h.fd, &st); err != nil {
		return 0, os.NewSyscallError("fstatfs", err)
	}
	return int64(st.Bavail) * st.Bsize, nil
}

func (h *linuxHandle) traits() traits {
	var st unix.Statfs_t
	if err := unix.Fstatfs(h.fd, &st); err != nil {
		return traits{}
	}
	switch int64(st.Type) {
	case unix.TMPFS_MAGIC, unix.RAMFS_MAGIC:
		return traits{memory: true}
	case unix.MSDOS_SUPER_MAGIC:
		return traits{precision: 2 * time.Second}
	case unix.EXFAT_SUPER_MAGIC:
		return traits{precision: 10 * time.Millisecond}
	case unix.SMB2_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC, ntfs3Magic:
		return traits{precision: 100 * time.Nanosecond}
	}
	return traits{}
}

const ntfs3Magic = 0x7366746e // fs/ntfs3/super.c

// allocate takes n bytes of the disk for f without changing its size, so that a
// full disk shows before the first byte.
func allocate(f *os.File, n int64) error {
	_, err := retry(func() (int, error) { return 0, unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, 0, n) })
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		return nil
	}
	return os.NewSyscallError("fallocate", err)
}

// syncContent brings f's content to the disk, though not its times.
func syncContent(f *os.File) error {
	return os.NewSyscallError("fdatasync", unix.Fdatasync(int(f.Fd())))
}

// bootID tells one run of the kernel from the next; "" when it is not known.
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}

// descriptors returns how many files this process may have open.
func descriptors() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 256
	}
	return int(min(limit.Cur, 1<<20))
}
