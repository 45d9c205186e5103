package main

import (
	"time"

	"dialtone/app/transfer"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// sendFlags is dialtone send's command line.
type sendFlags struct {
	trust trustFlags
	show  showFlags

	wait   bool
	listen string

	include, exclude      []string
	oneFileSystem, xattrs bool
	name                  string
	dryRun                bool

	protocol, verify, compress string
	limit                      byteRate
	streams                    int
	timeout                    time.Duration
}

// stdinArg is standard input as a path; streamName what it is called unless told.
const (
	stdinArg   = "-"
	streamName = "stream"
)

func newSendCommand() *cobra.Command {
	f := &sendFlags{}
	cmd := &cobra.Command{
		Use:   "send PATH... HOST [flags]",
		Short: "Send files, folders or a stream to another machine",
		Long: `Send moves files and folders, or with - what arrives on standard input, to the
machine HOST, where dialtone receive waits. HOST is a host name or an IP
address, with :PORT where it is not 7020.

The receiver shows a code such as 7-copper-lantern. Both ends prove to each
other that they know it, without telling it: --code, --code-file, the variable
DIALTONE_CODE, or asked for on a terminal. What is sent is encrypted (TLS 1.3)
and verified by its BLAKE3 hash, chunk by chunk.

An interrupted transfer is resumed by the same command. What the receiver has
already is not sent again. Modes, times to the nanosecond, symbolic links (as
links), hard links and holes are kept.

With --wait it is the other way round: send waits and shows a code, and
dialtone receive --from HOST fetches.

With --net the connections are those of dialtone's own TCP/IP stack, on a TAP
device.

Exit codes: 0 everything is there, 1 something is not, 2 wrong command line,
130 interrupted.`,
		Example: `  # dialtone receive runs on the other machine, here on this one
  dialtone send notes.txt holiday/ 192.0.2.7 --code 7-copper-lantern
  tar c src | dialtone send - 192.0.2.7 --name src.tar
  dialtone send . 192.0.2.7 --exclude .git --exclude '*.o' --dry-run
  dialtone send --wait notes.txt
  sudo dialtone send notes.txt 10.0.0.1 --net tap:tap0,10.0.0.2/24`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveDefault // files
		},
	}
	f.addTo(cmd)
	complete(cmd, "protocol", "own", "classic", "classic3")
	complete(cmd, "verify", "hash", "none")
	complete(cmd, "compress", "auto", "on", "off")
	completeBy(cmd, "net", completeNet)
	return cmd
}

func (f *sendFlags) addTo(cmd *cobra.Command) {
	flagGroup(cmd, "What is sent", func(fs *pflag.FlagSet) {
		fs.StringArrayVar(&f.exclude, "exclude", nil, "leave out what matches `PATTERN`, as in a .gitignore: *.o, /build, dir/, **/x, !keep.o; may be repeated")
		fs.StringArrayVar(&f.include, "include", nil, "send only what matches `PATTERN`; may be repeated")
		fs.BoolVar(&f.oneFileSystem, "one-file-system", false, "folders on other file systems arrive empty")
		fs.BoolVar(&f.xattrs, "xattrs", false, "extended attributes too")
		fs.StringVar(&f.name, "name", "", "standard input arrives as `NAME` (default \""+streamName+"\")")
		fs.BoolVar(&f.dryRun, "dry-run", false, "print what would be sent, path and bytes, and send nothing")
	})
	flagGroup(cmd, "Trust", f.trust.addTo)
	flagGroup(cmd, "Waiting", func(fs *pflag.FlagSet) {
		fs.BoolVar(&f.wait, "wait", false, "wait for dialtone receive --from, and show a code")
		fs.StringVar(&f.listen, "listen", "", "wait at `ADDR` (default \":7020\")")
	})
	flagGroup(cmd, "How it is sent", func(fs *pflag.FlagSet) {
		f.trust.net.addTo(fs)
		fs.StringVar(&f.protocol, "protocol", "own", "`NAME`: own, or the classic ones of exercises, classic and classic3")
		fs.StringVar(&f.verify, "verify", "hash", "`HOW`: hash, or none for lengths only")
		fs.StringVar(&f.compress, "compress", "auto", "`WHEN`: auto is where it pays, on, off")
		fs.Var(&f.limit, "limit", "send at most `RATE`, such as 10MB/s")
		fs.IntVar(&f.streams, "streams", 0, "use `N` connections; 0 finds out how many")
		fs.DurationVar(&f.timeout, "timeout", time.Minute, "a peer that is silent for `DURATION` is gone; 0 is never")
	})
	flagGroup(cmd, "What is shown", f.show.addTo)
}

// check refuses flags that would do nothing or contradict each other.
func (f *sendFlags) check(fs *pflag.FlagSet, paths []string) error {
	classic := f.protocol == "classic" || f.protocol == "classic3"
	stream := len(paths) == 1 && paths[0] == stdinArg
	for _, rule := range []struct {
		ok    bool
		flags []string
		need  string
	}{
		{f.wait, []string{"listen"}, "--wait"},
		{stream, []string{"name"}, "standard input (-) as what is sent"},
		{!stream, []string{"include", "exclude", "one-file-system", "xattrs"}, "files or folders, not standard input"},
		{
			!classic,
			[]string{
				"code", "code-file", "trust", "plain", "ca", "cert", "key", "verify", "compress", "streams",
				"include", "exclude", "one-file-system", "xattrs", "dry-run", "wait",
			},
			"--protocol own: the classic protocols have nothing of the kind",
		},
	} {
		for _, name := range rule.flags {
			if !rule.ok && fs.Changed(name) {
				return usage("", "--%s needs %s", name, rule.need)
			}
		}
	}
	for _, p := range paths {
		if p == stdinArg && !stream {
			return usage("send it alone", "standard input (-) cannot be sent together with files")
		}
	}
	if classic && len(paths) != 1 {
		return usage("send one after the other", "--protocol %s sends one file, got %d", f.protocol, len(paths))
	}
	return f.checkValues()
}

func (f *sendFlags) checkValues() error {
	switch {
	case f.protocol != "own" && f.protocol != "classic" && f.protocol != "classic3":
		return usage("use own, classic or classic3", "there is no protocol %q", f.protocol)
	case f.verify != "hash" && f.verify != "none":
		return usage("use hash or none", "--verify %q is neither hash nor none", f.verify)
	case f.compress != "auto" && f.compress != "on" && f.compress != "off":
		return usage("use auto, on or off", "--compress %q is not auto, on or off", f.compress)
	case f.streams < 0 || f.streams > transfer.MaxStreams:
		return usage("", "--streams %d is not between 1 and %d", f.streams, transfer.MaxStreams)
	case f.timeout < 0:
		return usage("", "--timeout %v is negative", f.timeout)
	}
	if err := f.show.check(); err != nil {
		return err
	}
	return f.trust.check()
}

// options returns the engine's.
func (f *sendFlags) options() transfer.SendOptions {
	o := transfer.SendOptions{Rate: int64(f.limit), Streams: f.streams, DryRun: f.dryRun, Timeout: silence(f.timeout), Meter: &transfer.Meter{}}
	if f.verify == "none" {
		o.Verify = transfer.VerifyNone
	}
	switch f.compress {
	case "on":
		o.Compress = transfer.CompressOn
	case "off":
		o.Compress = transfer.CompressOff
	}
	return o
}

// silence is --timeout as the engine has it: 0 is never.
func silence(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}
