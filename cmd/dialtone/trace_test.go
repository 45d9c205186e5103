package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"dialtone/observe/capture"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestTraceScripts runs dialtone trace on the captures of testdata/captures, which
// are in $CAPTURES, and on lo. Besides what other scripts can say:
//
//	pack FILE         packs FILE into FILE.gz and FILE.zst
//	truncate FILE N   leaves only the first N bytes
//
// Conditions: [capture] this process may capture, [setpriv] it can give that up,
// [tshark] tshark is here.
func TestTraceScripts(t *testing.T) {
	captures, err := filepath.Abs("../../testdata/captures")
	if err != nil {
		t.Fatal(err)
	}
	cmds := map[string]func(*testscript.TestScript, bool, []string){"pack": pack, "truncate": truncate}
	for name, cmd := range scriptCommands {
		cmds[name] = cmd
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/trace",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("CAPTURES", captures)
			env.Setenv("TZ", "UTC")
			return setupScript(env)
		},
		Cmds:      cmds,
		Condition: traceCondition,
	})
}

func traceCondition(name string) (bool, error) {
	switch name {
	case "capture":
		source, err := capture.OpenLive(context.Background(), capture.LiveConfig{Interface: "lo", Buffer: 1 << 20})
		if err == nil {
			source.Close()
		}
		return err == nil, nil
	case "setpriv":
		return exec.Command("setpriv", "--bounding-set", "-net_raw", "true").Run() == nil, nil
	case "tshark":
		_, err := exec.LookPath("tshark")
		return err == nil, nil
	}
	return scriptCondition(name)
}

func pack(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 1, "pack FILE")
	b := []byte(ts.ReadFile(args[0]))
	z, err := os.Create(ts.MkAbs(args[0] + ".gz"))
	ts.Check(err)
	w := gzip.NewWriter(z)
	_, err = w.Write(b)
	ts.Check(err)
	ts.Check(w.Close())
	ts.Check(z.Close())
	e, err := zstd.NewWriter(nil)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".zst"), e.EncodeAll(b, nil), 0o666))
}

func truncate(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 2, "truncate FILE N")
	var n int64
	_, err := fmt.Sscan(args[1], &n)
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), n))
}
