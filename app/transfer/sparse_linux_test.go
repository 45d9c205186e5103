package transfer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"dialtone/app/tree"
)

// extents returns where a file has data, as its file system says.
func extents(t *testing.T, path string) (list [][2]int64) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for at := int64(0); ; {
		from, err := unix.Seek(int(f.Fd()), at, unix.SEEK_DATA)
		if errors.Is(err, syscall.ENXIO) {
			return list
		}
		if err != nil {
			t.Skipf("this file system does not tell holes: %v", err)
		}
		if at, err = unix.Seek(int(f.Fd()), from, unix.SEEK_HOLE); err != nil {
			t.Fatal(err)
		}
		list = append(list, [2]int64{from, at})
	}
}

func blocks(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Blocks
}

// TestHolesStayHoles, wherever they are.
func TestHolesStayHoles(t *testing.T) {
	const page = 4096
	for _, c := range []struct {
		name string
		size int64
		data [][2]int64 // offset, length
	}{
		{"all hole, small", 10 * page, nil},
		{"all hole, large", 20*quick + 5, nil},
		{"data at the beginning", 20 * quick, [][2]int64{{0, page}}},
		{"data at the end", 20*quick + page, [][2]int64{{20 * quick, page}}},
		{"small with a hole", 10 * page, [][2]int64{{0, page}, {8 * page, 2 * page}}},
		{"across chunks", 20 * quick, [][2]int64{{2*quick - page, 2 * page}, {5*quick - page, 3*quick + 2*page}}},
		{"many", 40 * quick, func() (d [][2]int64) {
			for i := range int64(300) {
				d = append(d, [2]int64{i * 2 * page, page})
			}
			return d
		}()},
		{"some GiB", 4 << 30, [][2]int64{{1 << 30, page}, {4<<30 - page, page}}},
	} {
		for _, o := range []SendOptions{
			{Compress: CompressOff, Streams: 1},
			{Compress: CompressOn, Streams: 2},
			{Verify: VerifyNone},
		} {
			t.Run(fmt.Sprint(c.name, o.Compress, o.Verify), func(t *testing.T) {
				o.Chunk = quick
				if c.size > 1<<30 {
					o.Chunk = 0
					if o.Compress == CompressOff && o.Verify == VerifyHash {
						t.Skip("once is enough")
					}
				}
				path := filepath.Join(t.TempDir(), "f")
				f, err := os.Create(path)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				for _, d := range c.data {
					if _, err := f.WriteAt(randomBytes(int(d[1])), d[0]); err != nil {
						t.Fatal(err)
					}
				}
				if err := f.Truncate(c.size); err != nil {
					t.Fatal(err)
				}
				if err := f.Sync(); err != nil { // some file systems say where data is only then
					t.Fatal(err)
				}
				dst := t.TempDir()
				sent, got := move{src: openTree(t, path), send: o, dst: openFolder(t, dst, tree.TargetOptions{})}.mustRun(t)
				there := filepath.Join(dst, "f")
				if have, want := extents(t, there), extents(t, path); fmt.Sprint(have) != fmt.Sprint(want) {
					t.Errorf("data at %v, want %v", have, want)
				}
				if have, want := blocks(t, there), blocks(t, path); have > want+16 {
					t.Errorf("%d blocks, want %d", have, want)
				}
				if sent.sum.Bytes != c.size || got.sum.Bytes != c.size || sent.sum.Sum != got.sum.Sum || sent.sum.Sent >= c.size && len(c.data) < 10 {
					t.Errorf("%+v; %+v", sent.sum, got.sum)
				}
				if c.size < 1<<30 {
					want, _ := os.ReadFile(path)
					sameFile(t, there, want)
				}
			})
		}
	}
}
