package main

import (
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestTrace runs trace as testdata/trace/*.txtar say. $CAPTURES is the folder of the
// recorded exchanges.
func TestTrace(t *testing.T) {
	captures, err := filepath.Abs("../../testdata/captures")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/trace",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("CAPTURES", captures)
			return setupScript(env)
		},
		Cmds:      scriptCommands,
		Condition: scriptCondition,
	})
}
