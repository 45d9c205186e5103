package main

import (
	"crypto/tls"
	"net/netip"
	"time"

	"dialtone/app/serve"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const defaultText = "This is Server" // the classic answer

// serveFlags are the flags of the verb serve, as typed.
type serveFlags struct {
	service, text string
	forward       clientTLSFlags

	limits      serve.Limits
	rate        byteRate
	maxLine     byteSize
	datagram    byteSize
	allow, deny []string
	drain       time.Duration

	identity serve.Identity
	tls12    bool

	proxy, reusePort bool
	net              netFlags
	sockets          network // once run has opened them
	verbose          int
	log, metrics     string
}

func (f *serveFlags) define(cmd *cobra.Command) {
	flagGroup(cmd, "Service", func(fs *pflag.FlagSet) {
		fs.StringVar(&f.service, "service", "upper", "what to do: one of the services above, by `NAME`")
		fs.StringVar(&f.text, "text", defaultText, "the service reply says `TEXT`")
		f.forward.addForward(fs)
	})
	flagGroup(cmd, "Watching", func(fs *pflag.FlagSet) {
		fs.CountVarP(&f.verbose, "verbose", "v", "show what is said, a line a message; -vv adds a hex dump")
		fs.StringVar(&f.log, "log", "text", "log who came, went and was refused, in `FORMAT`: text, json or off")
		fs.StringVar(&f.metrics, "metrics", "", "Prometheus metrics at http://`ADDR`/metrics")
	})
	flagGroup(cmd, "Listening", func(fs *pflag.FlagSet) {
		fs.StringSliceVar(&f.allow, "allow", nil, "only `NET,...` may connect: networks such as 10.0.0.0/8, or addresses")
		fs.StringSliceVar(&f.deny, "deny", nil, "`NET,...` may not, whatever --allow says")
		fs.BoolVar(&f.proxy, "proxy-protocol", false, "streams begin with a PROXY header, version 1 or 2, that names the client")
		f.net.addTo(fs)
		fs.BoolVar(&f.reusePort, "reuseport", false, "let other processes listen on the same address (SO_REUSEPORT)")
	})
	flagGroup(cmd, "TLS, for tls:// and wss:// addresses", func(fs *pflag.FlagSet) {
		fs.StringVar(&f.identity.CertFile, "cert", "", "PEM `FILE` of the certificate; without one a self-signed one is made")
		fs.StringVar(&f.identity.KeyFile, "key", "", "PEM `FILE` of its private key")
		fs.StringVar(&f.identity.ClientCAFile, "client-ca", "", "clients must show a certificate of a CA in PEM `FILE`")
		fs.StringSliceVar(&f.identity.ALPN, "alpn", nil, "offer the application protocols `NAME,...`, best first")
		fs.BoolVar(&f.tls12, "tls12", false, "allow TLS 1.2 too")
	})
	f.defineLimits(cmd)
}

func (f *serveFlags) defineLimits(cmd *cobra.Command) {
	flagGroup(cmd, "Limits, none where no default is shown", func(fs *pflag.FlagSet) {
		fs.IntVar(&f.limits.Max, "max-conns", 0, "at most `N` conversations at once")
		fs.IntVar(&f.limits.MaxPerAddr, "max-per-addr", 0, "at most `N` at once from one IP address")
		fs.Float64Var(&f.limits.AcceptRate, "accept-rate", 0, "at most `N` new ones a second")
		fs.Var(&f.rate, "rate", "read at most `SIZE` a second in each, such as 64KiB")
		fs.Var(&f.maxLine, "max-line", "end a conversation at a line longer than `SIZE`")
		fs.Var(&f.datagram, "datagram", "report datagrams larger than `SIZE`, answer only others (default 65507)")
	})
	flagGroup(cmd, "Time limits, such as 500ms, 30s or 1h30m", func(fs *pflag.FlagSet) {
		fs.DurationVar(&f.limits.Idle, "idle", time.Hour, "end a conversation when nothing has moved for `DURATION`; 0 is never")
		fs.DurationVar(&f.limits.FirstByte, "first-byte", 0, "end one whose client has said nothing within `DURATION`; 0 is never")
		fs.DurationVar(&f.limits.Handshake, "handshake", 10*time.Second, "PROXY header, TLS and WebSocket together get `DURATION`")
		fs.DurationVar(&f.limits.Session, "session", time.Minute, "with chat, exec and forward over UDP, a client is gone after `DURATION`")
		fs.DurationVar(&f.drain, "drain", 10*time.Second, "when stopping, open conversations get `DURATION` to finish")
	})
}

// finishLimits checks the limits as typed, and puts them where they belong.
func (f *serveFlags) finishLimits() (err error) {
	f.limits.Rate, f.limits.MaxLine, f.limits.Datagram = int64(f.rate), int(f.maxLine), int(f.datagram)
	if f.tls12 {
		f.identity.MinVersion = tls.VersionTLS12
	}
	for _, limit := range []struct {
		flag     string
		value    any
		negative bool
	}{
		{"max-conns", f.limits.Max, f.limits.Max < 0},
		{"max-per-addr", f.limits.MaxPerAddr, f.limits.MaxPerAddr < 0},
		{"idle", f.limits.Idle, f.limits.Idle < 0},
		{"first-byte", f.limits.FirstByte, f.limits.FirstByte < 0},
		{"handshake", f.limits.Handshake, f.limits.Handshake < 0},
		{"session", f.limits.Session, f.limits.Session < 0},
		{"drain", f.drain, f.drain < 0},
	} {
		if limit.negative {
			return usage("", "--%s %v is negative", limit.flag, limit.value)
		}
	}
	if r := f.limits.AcceptRate; !(r >= 0 && r <= 1e9) { // NaN too
		return usage("write a number such as 100 or 0.5; 0 is no limit", "--accept-rate %v is not between 0 and 1000000000", r)
	}
	if f.limits.Datagram > 65507 {
		return usage("", "--datagram %d: a datagram has at most 65507 bytes", f.limits.Datagram)
	}
	if f.limits.Allow, err = parseNetworks("--allow", f.allow); err != nil {
		return err
	}
	f.limits.Deny, err = parseNetworks("--deny", f.deny)
	return err
}

func parseNetworks(flag string, list []string) (nets []netip.Prefix, err error) {
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			var a netip.Addr
			if a, err = netip.ParseAddr(s); err == nil && a.Zone() == "" {
				p = netip.PrefixFrom(a, a.BitLen())
			} else {
				return nil, usage("write 10.0.0.0/8, 2001:db8::/32 or a single address", "%s %q is not a network", flag, s)
			}
		}
		if p.Addr().Is4In6() {
			return nil, usage("write the IPv4 network itself", "%s %q is an IPv4 network inside IPv6", flag, s)
		}
		nets = append(nets, p.Masked())
	}
	return nets, nil
}
