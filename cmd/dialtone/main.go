//go:build !man

// Command dialtone moves bytes between programs and machines and shows what
// the network did with them.
//
// Every verb is one file of this package; what a verb does is in the packages
// below app and observe. root.go is the frame: the command
// definition and the exit codes.
package main

import (
	"context"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

func main() { os.Exit(run(context.Background(), os.Args[1:])) }

// run runs one command line and returns its exit code.
func run(ctx context.Context, args []string) int {
	root := newRoot()
	root.SetArgs(args)
	if len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		plainUsages(root)
	}
	cmd, err := root.ExecuteContextC(ctx)
	return report(cmd, err)
}
