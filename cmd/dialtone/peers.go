package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func newPeersCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "peers [VERB] [flags]",
		Short: "Show the machines that need no code",
		Long: `Peers shows the machines that --trust knows by their keys: the name they gave,
the SHA-256 fingerprint of their key, since when they are known and where they
were last seen. They stand in the file known_peers of the folder
dialtone in the user's configuration (~/.config on Linux), one a line.

A machine whose key is forgotten needs a code again.`,
		Example: `  dialtone peers
  dialtone peers key
  dialtone peers forget anna`,
		Args: unknownVerb,
		RunE: func(cmd *cobra.Command, _ []string) error { return listPeers(cmd.OutOrStdout(), asJSON) },
	}
	flagGroup(cmd, "What is shown", func(fs *pflag.FlagSet) {
		fs.BoolVar(&asJSON, "json", false, "one JSON object a peer")
	})
	cmd.AddCommand(&cobra.Command{
		Use:     "forget NAME|FINGERPRINT",
		Short:   "Forget a machine: it needs a code again",
		Example: "  dialtone peers forget anna",
		Args:    exactArgs(1, "the name or the fingerprint of a peer"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return peerNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error { return forgetPeer(args[0]) },
	}, &cobra.Command{
		Use:     "key",
		Short:   "Print the fingerprint of this machine's own key",
		Example: "  dialtone peers key",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return printKey(cmd.OutOrStdout()) },
	})
	for _, c := range cmd.Commands() {
		c.DisableFlagsInUseLine = true
	}
	return cmd
}
