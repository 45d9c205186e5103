package capture_test

import (
	"context"
	"encoding/binary"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"dialtone/observe/capture"

	"golang.org/x/sys/unix"
)

// senderVariable tells a child of this test what to send: port, datagrams, datagrams
// a second.
const senderVariable = "DIALTONE_TEST_SENDER"

// TestSender is not a test but the other process of BenchmarkLive.
func TestSender(t *testing.T) {
	var args []int
	for _, a := range strings.Fields(os.Getenv(senderVariable)) {
		n, err := strconv.Atoi(a)
		if err != nil {
			t.Fatal(err)
		}
		args = append(args, n)
	}
	if len(args) == 0 {
		t.Skip("only for BenchmarkLive")
	}
	c, err := net.Dial("udp", net.JoinHostPort("127.0.0.1", strconv.Itoa(args[0])))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b, start := make([]byte, 200), time.Now()
	for i := range args[1] {
		binary.BigEndian.PutUint32(b, uint32(i))
		if _, err := c.Write(b); err != nil {
			t.Fatal(err)
		}
		for i%64 == 0 && time.Since(start) < time.Duration(i)*time.Second/time.Duration(args[2]) {
			time.Sleep(50 * time.Microsecond)
		}
	}
}

// BenchmarkLive captures and decodes 127,000 frames a second on loopback, sent by another process:
// how many are dropped, and how much of a core this process takes. Best run with
// -benchtime 1000000x.
func BenchmarkLive(b *testing.B) {
	namespace(b)
	port := sink(b)
	ctx, cancel := context.WithCancel(context.Background())
	l := open(b, ctx, capture.LiveConfig{Interface: "lo"})
	child := exec.Command(os.Args[0], "-test.run=^TestSender$")
	child.Env = append(os.Environ(), senderVariable+"="+strconv.Itoa(int(port))+" "+strconv.Itoa(b.N)+" 127000")
	before, start := usage(b), time.Now()
	if err := child.Start(); err != nil {
		b.Fatal(err)
	}
	var p capture.Packet
	for i := range b.N {
		r, err := l.Next()
		if err != nil {
			b.Fatal(err)
		}
		capture.Decode(r, &p)
		if got := binary.BigEndian.Uint32(r.Data[14+28:]); got != uint32(i) {
			b.Fatalf("datagram %d where %d was next; stats %+v", got, i, l.Stats())
		}
	}
	wall := time.Since(start)
	b.ReportMetric(float64(b.N)/wall.Seconds(), "frames/s")
	b.ReportMetric(100*float64(usage(b)-before)/float64(wall), "%core")
	b.ReportMetric(float64(l.Stats().Dropped), "drops")
	cancel()
	if err := child.Wait(); err != nil {
		b.Fatal(err)
	}
}

// usage returns the processor time of this process.
func usage(b *testing.B) time.Duration {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
