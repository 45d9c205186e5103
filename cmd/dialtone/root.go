package main

import (
	"os"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// Exit codes (the same for every verb).
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130 // 128 + SIGINT, as shells have it
)

// version is set by the linker (make build); a plain go build reads the module's.
var version string

// newRoot returns the whole command definition: help, completions and man pages
// all come from it.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "dialtone",
		Short: "Move bytes between programs and machines, and see what the network did with them",
		Long: `Dialtone moves bytes between programs and machines, files with send and
receive, conversations with serve and connect, over TCP, UDP, TLS, WebSocket and
Unix sockets, and shows what the network did with them.

Addresses are [scheme://]host:port. The scheme is one of tcp (the default),
tcp4, tcp6, udp, udp4, udp6, tls, ws, wss, unix; an IPv6 address stands in
brackets.`,
		Example: `  dialtone receive
  dialtone send notes.txt holiday/ 192.0.2.7
  dialtone serve
  dialtone connect 127.0.0.1:8000`,
		Version:       versionText(),
		Args:          unknownVerb,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceErrors: true,
		SilenceUsage:  true,

		SuggestionsMinimumDistance: 2,
	}
	cobra.EnableCommandSorting = false // the order of verbs
	root.SetHelpFunc(printHelp)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return flagError(err) })
	root.SetOut(os.Stdout)
	root.SetErr(os.Stderr)
	root.SetHelpCommand(newHelpCommand())
	root.InitDefaultVersionFlag()
	for _, c := range verbs() {
		c.DisableFlagsInUseLine = true
		c.Flags().SortFlags = false
		root.AddCommand(c)
	}
	return root
}

// verbs returns a command per verb, in the order that help shows them.
func verbs() []*cobra.Command {
	return []*cobra.Command{
		newSendCommand(),
		newReceiveCommand(),
		newPeersCommand(),
		newServeCommand(),
		newConnectCommand(),
		newResolveCommand(),
		newTraceCommand(),
		newVersionCommand(),
	}
}

func newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  dialtone version",
		Args:    noArgs,
		Run:     func(cmd *cobra.Command, _ []string) { cmd.Println("dialtone " + versionText()) },
	}
}

// versionText returns the version, with the Go release and platform it was built for.
func versionText() string {
	v := version
	if info, ok := debug.ReadBuildInfo(); ok && v == "" {
		v = info.Main.Version
	}
	if v == "" {
		v = "(devel)"
	}
	return v + " " + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH
}
