package bulk_test

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"runtime"
	"testing"

	"dialtone/app/bulk"
)

func onLinux(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells")
	}
}

func TestPathThroughWrappers(t *testing.T) {
	onLinux(t)
	ra, rb := pair(t, "tcp")
	a, b := secure(t, ra, rb)
	const n = 1 << 20
	written := async(func() (int64, error) {
		n, err := a.Write(make([]byte, n))
		return int64(n), err
	})
	_, err := io.ReadFull(b, make([]byte, n))
	must(t, err)
	must(t, (<-written).err)
	from, ok1 := bulk.PathOf(a)
	to, ok2 := bulk.PathOf(b)
	if !ok1 || !ok2 {
		t.Fatal("no path")
	}
	if from.Sent < n || from.RTT <= 0 || from.Window <= 0 || from.Congestion == "" || from.SegmentsSent == 0 {
		t.Errorf("the sender's: %+v", from)
	}
	if to.Received < n {
		t.Errorf("the receiver's: %+v", to)
	}
}

func TestNoPath(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if p, ok := bulk.PathOf(a); ok {
		t.Error(p)
	}
	if err := bulk.SetCongestion(a, "reno"); !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
	ra, _ := pair(t, "tcp")
	ra.Close()
	if p, ok := bulk.PathOf(ra); ok {
		t.Error("of a closed connection", p)
	}
}

func TestSetCongestion(t *testing.T) {
	onLinux(t)
	a, _ := tlsPair(t)
	must(t, bulk.SetCongestion(a, "reno"))
	if p, _ := bulk.PathOf(a); p.Congestion != "reno" {
		t.Errorf("%+v", p)
	}
	if err := bulk.SetCongestion(a, "nosuch"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
