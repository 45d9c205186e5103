package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestResolveInNamespaces runs scripts beside a machine of their own: a network
// namespace NS with a neighbour at the other end of a cable.
func TestResolveInNamespaces(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("network namespaces need root")
	}
	for _, program := range []string{"ip", "bash"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("network namespaces need the program", program)
		}
	}
	probe := fmt.Sprintf("dialtone-probe-%d", os.Getpid())
	if out, err := exec.Command("ip", "netns", "add", probe).CombinedOutput(); err != nil {
		t.Skipf("no network namespaces here: %v: %s", err, out)
	}
	_ = exec.Command("ip", "netns", "del", probe).Run()
	testscript.Run(t, testscript.Params{Dir: "testdata/resolve_netns", RequireExplicitExec: true, Setup: twoMachines})
}

// twoMachines joins two namespaces by a cable and lets the first one send.
func twoMachines(env *testscript.Env) error {
	a, b := fmt.Sprintf("dialtone-a-%d", os.Getpid()), fmt.Sprintf("dialtone-b-%d", os.Getpid())
	env.Setenv("NS", a)
	env.Defer(func() {
		_ = exec.Command("ip", "netns", "del", a).Run()
		_ = exec.Command("ip", "netns", "del", b).Run()
	})
	for _, line := range []string{
		"netns add " + a,
		"netns add " + b,
		"link add dt0 address 02:00:00:00:00:01 netns " + a + " type veth peer name dt0 address 02:00:00:00:00:02 netns " + b,
		"-n " + a + " addr add 192.0.2.1/26 brd + dev dt0",
		"-n " + b + " addr add 192.0.2.2/26 dev dt0",
		"-n " + a + " addr add fd00::1/64 dev dt0 nodad",
		"-n " + a + " link set lo up",
		"-n " + a + " link set dt0 up",
		"-n " + b + " link set dt0 up",
		"-n " + a + " route add default via 192.0.2.2",
		"-n " + a + " neigh add fd00::2 lladdr 02:00:00:00:00:02 router nud permanent dev dt0",
		"netns exec " + a + " bash -c echo>/dev/udp/192.0.2.2/9",
	} {
		if _, err := runIP(line); err != nil {
			return err
		}
	}
	return answered("-n " + a + " neigh show 192.0.2.2")
}

// answered waits until ARP has found the neighbour that show shows.
func answered(show string) error {
	for range 100 {
		out, err := runIP(show)
		if err != nil || strings.Contains(out, "lladdr") {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("ip %s: no answer to ARP", show)
}

func runIP(line string) (string, error) {
	out, err := exec.Command("ip", strings.Fields(line)...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("ip %s: %v: %s", line, err, out)
	}
	return string(out), nil
}
