package kernel

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dialtone/host"
)

// TestPing pings both ways, with and without fragments.
func TestPing(t *testing.T) {
	for _, mtu := range []int{576, 1500, 9000} {
		t.Run(fmt.Sprint(mtu), func(t *testing.T) {
			t.Parallel()
			y := newYard(t, setting{mtu: mtu}, "ping")
			for _, size := range []int{0, 56, mtu - 28, 5000} {
				out := y.inside("ping", "-c", "3", "-w", "60", "-i", "0.01", "-s", fmt.Sprint(size), ourIP)
				if !strings.Contains(out, " 3 received") {
					t.Errorf("%d bytes: %s", size, out)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				if _, err := y.host.Ping(ctx, kernelIP, host.Ping{Size: size, MayBeCut: true}); err != nil {
					t.Errorf("%d bytes to the kernel: %v", size, err)
				}
				cancel()
			}
		})
	}
}

// TestNetcat talks with nc in both roles.
func TestNetcat(t *testing.T) {
	t.Parallel()
	y := newYard(t, setting{}, "nc")
	y.serve(y.host, ":7", func(c net.Conn) { io.Copy(c, c) })
	if got := y.feedInside(strings.NewReader("hello\n"), "nc", "-N", ourIP, "7"); got != "hello\n" {
		t.Errorf("nc got %q", got)
	}
	out := y.start("nc", "-l", "-N", kernelIP, "8")
	var c net.Conn
	y.eventually("nc listens", func() bool {
		if !strings.Contains(y.inside("ss", "-Hltn", "sport = 8"), ":8") {
			return false
		}
		c = y.dial(y.host, kernelIP+":8")
		return true
	})
	io.WriteString(c, "to nc\n")
	c.(closer).CloseWrite()
	if rest, err := io.ReadAll(c); len(rest) != 0 || err != nil {
		t.Errorf("nc said %q, %v", rest, err)
	}
	c.Close()
	y.eventually("nc has it", func() bool { return out.String() == "to nc\n" })
}

// TestSSH relays an ssh session: a command, and bytes both ways.
func TestSSH(t *testing.T) {
	t.Parallel()
	y := newYard(t, setting{supers: true}, "ssh", "sshd", "ssh-keygen")
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	y.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
	y.run("cp", key+".pub", filepath.Join(dir, "authorized"))
	config := filepath.Join(dir, "sshd_config")
	text := fmt.Sprintf(`ListenAddress %s:22
HostKey %s
AuthorizedKeysFile %s
PermitRootLogin yes
StrictModes no
UsePAM no
PidFile none
`, kernelIP, key, filepath.Join(dir, "authorized"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // where sshd gives up its rights
		t.Fatal(err)
	}
	log := y.start("/usr/sbin/sshd", "-D", "-e", "-f", config)
	y.eventually("sshd listens", func() bool { return strings.Contains(log.String(), "listening") })
	y.relay(":22", kernelIP+":22")
	const n = 4 << 20
	ssh := []string{
		"ssh", "-F", "none", "-i", key, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes",
		"-o", "LogLevel=ERROR", "root@" + ourIP,
	}
	if got := y.inside(append(ssh, "echo over our stack")...); got != "over our stack\n" {
		t.Errorf("%q", got)
	}
	if got, want := sumOf(strings.NewReader(y.feedInside(bytesOf(n), append(ssh, "cat")...))), sumOf(bytesOf(n)); got != want {
		t.Errorf("%s came back of %s", got, want)
	}
}
