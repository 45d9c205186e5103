package main

import (
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"dialtone/app/escape"
	"dialtone/app/pairing"
)

// knownPeers returns the file of the peers that are known.
func knownPeers() (*pairing.KnownPeers, error) {
	file, err := knownPeersFile()
	if err != nil {
		return nil, err
	}
	return pairing.OpenKnownPeers(file)
}

func listPeers(w io.Writer, asJSON bool) error {
	known, err := knownPeers()
	if err != nil {
		return err
	}
	list, err := known.List()
	if err != nil {
		return err
	}
	if asJSON {
		for _, p := range list {
			obj := new(object).start().field("name", p.Name).field("fingerprint", p.Fingerprint.String()).
				field("since", p.Since.UTC().Format(time.RFC3339)).text("address", p.Addr)
			if err := obj.writeTo(w); err != nil {
				return err
			}
		}
		return nil
	}
	if len(list) == 0 {
		fmt.Fprintln(os.Stderr, "no machine is known: one is when --trust and a code were given at both sides")
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, p := range list {
		name := p.Name
		if name == "" {
			name = "-"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", escape.String(name), p.Fingerprint, p.Since.Local().Format("2006-01-02 15:04"), escape.String(p.Addr))
	}
	return table.Flush()
}

// peerNames are for the shell to complete.
func peerNames() (names []string) {
	known, err := knownPeers()
	if err != nil {
		return nil
	}
	list, _ := known.List()
	for _, p := range list {
		if p.Name != "" {
			names = append(names, p.Name)
		}
	}
	return names
}

func forgetPeer(text string) error {
	known, err := knownPeers()
	if err != nil {
		return err
	}
	gone, err := known.Forget(text)
	switch {
	case err != nil:
		return err
	case len(gone) == 0:
		return withHint(fmt.Errorf("no machine called %q is known, nor one with such a key", text), "dialtone peers shows those that are")
	}
	for _, p := range gone {
		fmt.Fprintf(os.Stderr, "forgot %s %s\n", escape.String(p.Name), p.Fingerprint)
	}
	return nil
}

func printKey(w io.Writer) error {
	dir, err := trustDir()
	if err != nil {
		return err
	}
	identity, err := pairing.LoadIdentity(dir)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, identity.Fingerprint())
	return err
}
