package main

import (
	"time"

	"dialtone/app/transfer"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// receiveFlags is dialtone receive's command line.
type receiveFlags struct {
	trust trustFlags
	show  showFlags

	dir, output, onConflict  string
	checksum, xattrs, noSync bool

	listen, from string
	keep         bool
	maxSessions  int
	classic      string

	maxBytes, keepFree byteSize
	maxFiles           int64
	maxDepth, maxPath  int
	timeout            time.Duration
}

func newReceiveCommand() *cobra.Command {
	f := &receiveFlags{}
	cmd := &cobra.Command{
		Use:   "receive [flags]",
		Short: "Receive what another machine sends",
		Long: `Receive waits on port 7020 for dialtone send, and writes what arrives to the
current folder. It shows this machine's addresses and a one-time code, as the
command to type on the other machine, and on a terminal as a QR code. After one
transfer it ends; with --keep it serves any number of senders until Ctrl-C.

Nothing that arrives leaves the folder, and no file is overwritten unless
--on-conflict says so: what is there with the same content is kept as it is,
and what differs arrives as "name (2)". A file appears under its name when all
of it has arrived, was verified and is on the disk. What an interrupted
transfer leaves is hidden (.dialtone-*), and the same command resumes it.

Three wrong codes end it. With --keep and --code-file a code that was guessed
at is refused until the file has another. Without a code (--no-auth) it waits
on this machine only, unless --listen names an address.

With --from HOST it fetches from a machine where dialtone send --wait waits.

With --net it waits or fetches on dialtone's own TCP/IP stack, on a TAP device.

Exit codes: 0 everything is there, 1 something is not, 2 wrong command line,
130 interrupted.`,
		Example: `  dialtone receive
  dialtone receive --dir inbox --keep --code-file code.txt
  dialtone receive -o - | tar x
  dialtone receive --from 192.0.2.7 --code 7-copper-lantern
  dialtone receive --allow-classic --no-auth
  sudo dialtone receive --net tap:tap0,10.0.0.2/24,kernel=10.0.0.1`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.addTo(cmd)
	complete(cmd, "on-conflict", "keep-both", "overwrite", "skip", "fail")
	complete(cmd, "allow-classic", "auto", "classic", "classic3")
	completeBy(cmd, "net", completeNet)
	if err := cmd.MarkFlagDirname("dir"); err != nil {
		panic(err) // there is no such flag
	}
	return cmd
}

func (f *receiveFlags) addTo(cmd *cobra.Command) {
	flagGroup(cmd, "Where it arrives", func(fs *pflag.FlagSet) {
		fs.StringVar(&f.dir, "dir", ".", "write below the folder `DIR`, which is made if need be")
		fs.StringVarP(&f.output, "output", "o", "", "the one file that arrives is saved as `NAME`; - is standard output")
		fs.StringVar(&f.onConflict, "on-conflict", "keep-both", "what to do where another file is: `WHAT` is keep-both, overwrite, skip or fail")
		fs.BoolVar(&f.checksum, "checksum", false, "compare files by their content, not by size and time")
		fs.BoolVar(&f.xattrs, "xattrs", false, "accept extended attributes")
		fs.BoolVar(&f.noSync, "no-sync", false, "do not wait for the disk: faster, and a power failure may lose files")
	})
	flagGroup(cmd, "Trust", f.trust.addTo)
	flagGroup(cmd, "Waiting", func(fs *pflag.FlagSet) {
		fs.StringVar(&f.listen, "listen", "", "wait at `ADDR` (default \":7020\", with --no-auth \"127.0.0.1:7020\")")
		fs.StringVar(&f.from, "from", "", "do not wait, fetch from `HOST` where dialtone send --wait waits")
		f.trust.net.addTo(fs)
		fs.BoolVar(&f.keep, "keep", false, "go on after a transfer, and serve many at once")
		fs.IntVar(&f.maxSessions, "max-sessions", 256, "with --keep, at most `N` transfers at once")
		fs.StringVar(&f.classic, "allow-classic", "", "accept the classic protocols of exercises too: auto, classic or classic3 (`KIND`); needs --no-auth")
		fs.Lookup("allow-classic").NoOptDefVal = "auto"
	})
	flagGroup(cmd, "Limits of a transfer; 0 is none", func(fs *pflag.FlagSet) {
		f.maxBytes, f.keepFree = 1<<40, 64<<20
		fs.Var(&f.maxBytes, "max-bytes", "at most `SIZE` in all")
		fs.Int64Var(&f.maxFiles, "max-files", 10_000_000, "at most `N` files, folders and links")
		fs.Var(&f.keepFree, "keep-free", "leave `SIZE` free on the disk")
		fs.IntVar(&f.maxDepth, "max-depth", 1024, "folders at most `N` deep")
		fs.IntVar(&f.maxPath, "max-path", 4096, "paths of at most `BYTES`")
		fs.DurationVar(&f.timeout, "timeout", time.Minute, "a peer that is silent for `DURATION` is gone")
	})
	flagGroup(cmd, "What is shown", f.show.addTo)
}

// check refuses flags that would do nothing or contradict each other.
func (f *receiveFlags) check(fs *pflag.FlagSet) error {
	for _, rule := range []struct {
		ok    bool
		flags []string
		need  string
	}{
		{f.keep, []string{"max-sessions"}, "--keep"},
		{f.from == "", []string{"listen", "keep", "allow-classic"}, "no --from beside it"},
		{!f.keep, []string{"output"}, "no --keep beside it: each transfer would have the same name"},
		{f.output != stdinArg, []string{"dir", "on-conflict", "checksum", "xattrs", "no-sync", "keep-free"}, "a folder to write to, not -o -"},
	} {
		for _, name := range rule.flags {
			if !rule.ok && fs.Changed(name) {
				return usage("", "--%s needs %s", name, rule.need)
			}
		}
	}
	return f.checkValues()
}

func (f *receiveFlags) checkValues() error {
	if _, err := f.classicKind(); err != nil {
		return err
	}
	if _, err := f.conflict(); err != nil {
		return err
	}
	switch {
	case f.classic != "" && !f.trust.noAuth:
		return usage("say it: dialtone receive --allow-classic --no-auth", "--allow-classic needs --no-auth: the classic protocols cannot tell who sends")
	case f.maxSessions < 1 || f.maxSessions > 65536:
		return usage("", "--max-sessions %d is not between 1 and 65536", f.maxSessions)
	case f.maxFiles < 0 || f.maxDepth < 0 || f.maxPath < 0 || f.timeout < 0:
		return usage("", "a limit cannot be negative")
	}
	if err := f.show.check(); err != nil {
		return err
	}
	if err := f.trust.check(); err != nil {
		return err
	}
	return f.checkPlace()
}

// checkPlace reads where to wait or to go.
func (f *receiveFlags) checkPlace() (err error) {
	if f.from != "" {
		var from place
		if from, err = parsePlace(f.from); err == nil {
			err = f.trust.net.check(from.addr)
		}
	} else {
		_, err = f.trust.parseListen(f.listen)
	}
	return err
}

// options returns the engine's.
func (f *receiveFlags) options() transfer.ReceiveOptions {
	return transfer.ReceiveOptions{
		MaxBytes: noLimit(int64(f.maxBytes)), MaxFiles: noLimit(f.maxFiles),
		Timeout: silence(f.timeout), Meter: &transfer.Meter{},
	}
}

// noLimit is a limit as the packages below have it: 0 is none.
func noLimit(n int64) int64 {
	if n == 0 {
		return -1
	}
	return n
}
