package kernel

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dialtone/host"
	"dialtone/observe/flow"
)

// bytesOf is content of a length, the same every time.
func bytesOf(n int64) io.Reader { return io.LimitReader(rand.NewChaCha8([32]byte{1}), n) }

func sumOf(r io.Reader) string {
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// bulk is how much curl moves.
func bulk() int64 {
	if long {
		return 1 << 30
	}
	return 16 << 20
}

// headers are enough of a frame for everything but checksums.
const headers = 160

// TestCurl downloads from our server and uploads to it.
func TestCurl(t *testing.T) {
	for _, supers := range []bool{false, true} {
		t.Run(fmt.Sprintf("supers=%v", supers), func(t *testing.T) {
			t.Parallel()
			y := newYard(t, setting{supers: supers, snap: headers}, "curl")
			n := bulk()
			want := sumOf(bytesOf(n))
			l, err := y.host.Listen(t.Context(), "tcp", ":80")
			if err != nil {
				t.Fatal(err)
			}
			server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPut {
					fmt.Fprintln(w, sumOf(r.Body))
					return
				}
				w.Header().Set("Content-Length", fmt.Sprint(n))
				io.Copy(w, bytesOf(n))
			})}
			done := make(chan error)
			go func() { done <- server.Serve(l) }()
			defer func() { server.Close(); <-done }()

			if got := y.inside("sh", "-c", "curl -sS http://"+ourIP+"/ | sha256sum"); !strings.HasPrefix(got, want) {
				t.Errorf("downloaded %s, want %s", got, want)
			}
			name := filepath.Join(t.TempDir(), "up")
			f, err := os.Create(name)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := io.Copy(f, bytesOf(n)); err != nil {
				t.Fatal(err)
			}
			if got := strings.TrimSpace(y.inside("curl", "-sS", "-T", name, "http://"+ourIP+"/")); got != want {
				t.Errorf("uploaded %s, want %s", got, want)
			}
		})
	}
}

// transfer moves n bytes from the client to the server, then n bytes back.
func transfer(y *yard, client, server sockets, address string, n int64) (dialed net.Conn) {
	y.Helper()
	want := sumOf(bytesOf(n))
	at := y.serve(server, net.JoinHostPort(address, "9000"), func(c net.Conn) {
		if got := sumOf(c); got != want {
			y.Errorf("the server got %s, want %s", got, want)
		}
		if _, err := io.Copy(c, bytesOf(n)); err != nil {
			y.Errorf("the server's answer: %v", err)
		}
	})
	c := y.dial(client, at)
	if _, err := io.Copy(c, bytesOf(n)); err != nil {
		y.Errorf("the client's question: %v", err)
	}
	if err := c.(closer).CloseWrite(); err != nil {
		y.Error(err)
	}
	if got := sumOf(c); got != want {
		y.Errorf("the client got %s, want %s", got, want)
	}
	return c
}

// TestMTUs moves bytes over links of all sizes, with super-frames and without.
func TestMTUs(t *testing.T) {
	for _, mtu := range []int{576, 1280, 1500, 9000} {
		for _, supers := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d/supers=%v", mtu, supers), func(t *testing.T) {
				t.Parallel()
				bothRoles(t, setting{mtu: mtu, supers: supers}, func(y *yard, client, server sockets, address string) {
					transfer(y, client, server, address, 2<<20)
				})
			})
		}
	}
}

// TestKernelOptions moves bytes with each of the kernel's options on and off, over a
// good line and over one that loses frames.
func TestKernelOptions(t *testing.T) {
	for bits := range 8 {
		sysctls := map[string]string{}
		for i, name := range []string{"sack", "timestamps", "window_scaling"} {
			sysctls[name] = fmt.Sprint(bits >> i & 1)
		}
		for _, lose := range []int{0, 50} {
			t.Run(fmt.Sprintf("sack=%s,timestamps=%s,window_scaling=%s,lose=%d", sysctls["sack"], sysctls["timestamps"], sysctls["window_scaling"], lose), func(t *testing.T) {
				t.Parallel()
				s := setting{sysctls: sysctls, lose: lose}
				if lose > 0 { // acknowledgements of what was sent again in vain may come when all is over
					s.may = []flow.Label{flow.LabelReset}
				}
				bothRoles(t, s, func(y *yard, client, server sockets, address string) {
					c := transfer(y, client, server, address, 1<<20)
					if ours, ok := c.(*host.TCPConn); ok {
						i := ours.Info()
						if got := fmt.Sprint(i.SACK, i.Timestamps, i.RecvScale != 0); got != fmt.Sprint(bits&1 != 0, bits&2 != 0, bits&4 != 0) {
							y.Errorf("agreed on SACK, timestamps, window scaling: %s", got)
						}
					}
				})
			})
		}
	}
}

// TestIperf runs iperf3 both ways with both of its ends relayed through us: the kernel's
// client to our listener, our dial to the kernel's server.
func TestIperf(t *testing.T) {
	t.Parallel()
	// It ends its test with bytes under way, and resets; on a slow machine its control
	// connection is silent for long enough to be asked whether it is alive.
	may := []flow.Label{flow.LabelReset, flow.LabelKeepAlive, flow.LabelKeepAliveACK}
	y := newYard(t, setting{supers: true, snap: headers, may: may}, "iperf3")
	out := y.start("iperf3", "-s", "-B", kernelIP, "--forceflush")
	y.eventually("iperf3 listens", func() bool { return strings.Contains(out.String(), "listening") })
	y.relay(":5201", kernelIP+":5201")
	for _, direction := range []string{"-4", "-R"} {
		text := y.inside("iperf3", "-c", ourIP, "-n", fmt.Sprint(bulk()), "-J", direction)
		var report struct {
			End struct {
				Sent     struct{ Bytes int64 } `json:"sum_sent"`
				Received struct{ Bytes int64 } `json:"sum_received"`
			}
		}
		if err := json.Unmarshal([]byte(text), &report); err != nil || report.End.Sent.Bytes < bulk() || report.End.Received.Bytes == 0 {
			t.Errorf("%s: %v: %+v", direction, err, report)
		}
	}
}

// relay carries connections to one of our ports on to an address of the kernel's.
func (y *yard) relay(from, to string) {
	y.serve(y.host, from, func(in net.Conn) {
		out, err := y.host.DialContext(y.Context(), "tcp", to)
		if err != nil {
			y.Error(err)
			return
		}
		defer out.Close()
		back := make(chan struct{})
		go func() {
			defer close(back)
			io.Copy(in, out)
			in.(closer).CloseWrite()
		}()
		io.Copy(out, in)
		out.(closer).CloseWrite()
		<-back
	})
}
