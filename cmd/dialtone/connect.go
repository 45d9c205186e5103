package main

import (
	"time"

	"dialtone/app/address"
	"dialtone/app/connect"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// connectFlags is dialtone connect's command line.
type connectFlags struct {
	crlf, hex, json bool

	send    string
	sendSet bool // there is a --send, which may be empty
	every   time.Duration
	count   int

	record, replay string
	speed          float64

	timeout, wait time.Duration
	datagram      int

	local      string
	sourcePort uint16
	net        netFlags

	tls clientTLSFlags
}

func newConnectCommand() *cobra.Command {
	var f connectFlags
	cmd := &cobra.Command{
		Use:   "connect ADDR [flags]",
		Short: "Hold a conversation with a server",
		Long: `Connect sends what you type, or what arrives on standard input, to the server
at ADDR and shows what the server sends, both at the same time.

On a terminal a line is edited before it is sent, with a history (arrow keys),
and the server's text appears above it, with everything escaped that would move
the cursor. Ctrl-D ends the input, Ctrl-C leaves. On a pipe bytes go through
unchanged.

At the end of the input the server is told (TCP FIN, TLS close_notify,
WebSocket close frame) and its answers are read until it ends too. A server
that ends first ends the conversation. Over UDP each line typed, without its
line feed, or each read of a pipe is one datagram; the conversation ends when
nothing has come for --wait after the end of the input.

With --net the connection is one of dialtone's own TCP/IP stack, on a TAP
device; names are still looked up by the system.

Exit codes: 0 done, 1 failed, 2 wrong command line, 130 interrupted.

With --json standard output has one object per event instead of the server's
bytes; a record (--record) is the same after a header line. Bytes are text
where they are UTF-8 and base64 where not:

  {"time":"…","event":"connected","local":"[::1]:40000","remote":"[::1]:8000"}
  {"time":"…","event":"sent","bytes":6,"text":"hello\n"}
  {"time":"…","event":"received","bytes":2,"base64":"/wA="}
  {"time":"…","event":"half-closed"}
  {"time":"…","event":"error","error":"…"}
  {"time":"…","event":"closed","by":"server","sent":6,"received":2}`,
		Example: `  # dialtone serve runs in another terminal
  dialtone connect 127.0.0.1:8000
  echo hello | dialtone connect 127.0.0.1:8000 --hex
  dialtone connect udp://127.0.0.1:8000 --send hello --every 1s --count 3
  echo hello | dialtone connect 127.0.0.1:8000 --record talk.jsonl
  dialtone connect 127.0.0.1:8000 --replay talk.jsonl
  sudo dialtone connect 10.0.0.1:8000 --net tap:tap0,10.0.0.2/24`,
		Args: exactArgs(1, "one address"),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := address.Parse(args[0])
			if err != nil {
				return err
			}
			f.sendSet = cmd.Flags().Changed("send")
			if err := f.check(cmd.Flags(), a); err != nil {
				return err
			}
			return runConnect(cmd.Context(), a, &f)
		},
	}
	f.addTo(cmd)
	completeBy(cmd, "net", completeNet)
	return cmd
}

func (f *connectFlags) addTo(cmd *cobra.Command) {
	flagGroup(cmd, "What is said", func(fs *pflag.FlagSet) {
		fs.BoolVar(&f.crlf, "crlf", false, "end lines with CR LF: a line feed alone gets a carriage return before it")
		fs.StringVar(&f.send, "send", "", "say `TEXT`, as it is, instead of reading standard input")
		fs.DurationVar(&f.every, "every", 0, "say it again every `DURATION`")
		fs.IntVar(&f.count, "count", 0, "stop after saying it `N` times; 0 means never")
		fs.StringVar(&f.replay, "replay", "", "say again what `FILE`, a record, has as sent, and compare the answers: exit code 1 if they differ")
		fs.Float64Var(&f.speed, "speed", 1, "replay so many `TIMES` as fast; 0 does not wait at all")
	})
	flagGroup(cmd, "What is shown", func(fs *pflag.FlagSet) {
		fs.BoolVar(&f.hex, "hex", false, "dump both directions to standard error, > to the server and < from it")
		fs.BoolVar(&f.json, "json", false, "one JSON object per event on standard output")
		fs.StringVar(&f.record, "record", "", "write both directions with their times to `FILE`")
	})
	flagGroup(cmd, "Connection", func(fs *pflag.FlagSet) {
		fs.DurationVar(&f.timeout, "timeout", connect.DefaultTimeout, "give up connecting, with TLS and WebSocket handshake, after `DURATION`")
		fs.StringVar(&f.local, "local", "", "come from `IP`, an address of this machine")
		f.net.addTo(fs)
		fs.Uint16Var(&f.sourcePort, "source-port", 0, "come from `PORT`")
	})
	flagGroup(cmd, "UDP", func(fs *pflag.FlagSet) {
		fs.IntVar(&f.datagram, "datagram", 1200, "most `BYTES` of a datagram from a pipe; 1200 fits every IPv6 path")
		fs.DurationVar(&f.wait, "wait", connect.DefaultWait, "after the end of the input, wait `DURATION` for another answer")
	})
	flagGroup(cmd, "TLS", f.tls.addTo)
}

// check refuses flags that would do nothing or contradict each other.
func (f *connectFlags) check(fs *pflag.FlagSet, a address.Address) error {
	network := []string{"local", "source-port"}
	udp := []string{"datagram", "wait"}
	tls := []string{"ca", "fingerprint", "insecure", "servername", "alpn", "cert", "key"}
	for _, rule := range []struct {
		ok    bool
		flags []string
		need  string
	}{
		{a.Datagram(), udp, "a udp:// address"},
		{a.Secure(), tls, "a tls:// or wss:// address"},
		{a.Scheme != "unix", network, "a network address, not a path"},
		{f.sendSet, []string{"every"}, "--send"},
		{f.every > 0, []string{"count"}, "--every"},
		{f.replay != "", []string{"speed"}, "--replay"},
		{!f.sendSet, []string{"replay"}, "no --send beside it"},
		{!f.tls.insecure, []string{"ca", "fingerprint", "servername"}, "no --insecure beside it"},
	} {
		for _, name := range rule.flags {
			if !rule.ok && fs.Changed(name) {
				return usage("", "--%s needs %s", name, rule.need)
			}
		}
	}
	if err := f.net.refuse(fs, "local", "source-port"); err != nil {
		return err
	}
	if err := f.net.check(a); err != nil {
		return err
	}
	return f.checkValues(fs, a)
}

func (f *connectFlags) checkValues(fs *pflag.FlagSet, a address.Address) error {
	switch {
	case a.Scheme != "unix" && a.Port == 0:
		return usage("a server that listens on port 0 prints the port it got", "%s: port 0 cannot be connected to", a)
	case f.datagram < 1 || f.datagram > connect.MaxDatagram:
		return usage("", "--datagram %d is not between 1 and %d", f.datagram, connect.MaxDatagram)
	case f.every < 0 || f.wait < 0 || f.timeout <= 0:
		return usage("write a duration such as 500ms or 10s", "a duration cannot be negative, nor --timeout 0")
	case fs.Changed("every") && f.every == 0:
		return usage("", "--every 0s leaves no pause: write one such as 1ms")
	case f.count < 0 || f.speed < 0:
		return usage("", "--count and --speed cannot be negative")
	case f.send == "" && f.sendSet && !a.Datagram():
		return usage("", "--send has nothing to say")
	case f.record != "" && f.record == f.replay:
		return usage("record to another file", "--record would overwrite what --replay reads")
	}
	return f.tls.check()
}
