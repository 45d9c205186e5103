package main

import (
	"fmt"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestOurOwnStack runs scripts in which verbs have --net, on a TAP device in a network
// namespace that each script has to itself. Besides what other scripts can say, inside puts
// what it runs into the namespace $NS: exec inside PROGRAM, start JOB inside PROGRAM.
func TestOurOwnStack(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("network namespaces and TAP devices need root")
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		t.Skip("no TAP devices here:", err)
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("network namespaces need the program ip")
	}
	var scripts atomic.Int64
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/net",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                scriptCommands,
		Condition:           scriptCondition,
		Setup: func(env *testscript.Env) error {
			if err := setupScript(env); err != nil {
				return err
			}
			return inNamespace(env, fmt.Sprintf("tap-%d-%d", os.Getpid(), scripts.Add(1)))
		},
	})
}

// inNamespace makes a namespace, and the program inside.
func inNamespace(env *testscript.Env, ns string) error {
	for _, line := range []string{"netns add " + ns, "-n " + ns + " link set lo up"} {
		if _, err := runIP(line); err != nil {
			return err
		}
	}
	env.Defer(func() { _ = exec.Command("ip", "netns", "del", ns).Run() })
	env.Setenv("NS", ns)
	dir := env.WorkDir + "/.bin"
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	env.Setenv("PATH", dir+":"+env.Getenv("PATH"))
	return os.WriteFile(dir+"/inside", []byte("#!/bin/sh\nexec ip netns exec "+ns+" \"$@\"\n"), 0o755)
}
