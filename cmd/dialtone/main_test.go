package main

import (
	"os"
	"os/signal"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the test binary the real command when a script calls dialtone.
//
// A shell's background job has SIGINT ignored, and hands that on; here the command
// shall have it as on a terminal. A program that is started gets the default for a
// signal that we handle.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) != "dialtone" && signal.Ignored(os.Interrupt) {
		signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	}
	testscript.Main(m, map[string]func(){"dialtone": main})
}

// TestScripts runs the real command as testdata/*.txtar say.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setupScript,
		Cmds:                scriptCommands,
		Condition:           scriptCondition,
	})
}
