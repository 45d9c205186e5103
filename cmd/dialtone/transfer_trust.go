package main

import (
	"fmt"
	"net/netip"
	"strings"

	"dialtone/app/address"

	"github.com/spf13/pflag"
)

// trustFlags say how the two ends meet and know each other.
type trustFlags struct {
	net     netFlags
	sockets network // once the verb has opened them

	code, codeFile string
	trust, noAuth  bool
	plain          bool

	ca, cert, key, serverName string
}

func (f *trustFlags) addTo(fs *pflag.FlagSet) {
	fs.StringVar(&f.code, "code", "", "the one-time `CODE` that both ends know")
	fs.StringVar(&f.codeFile, "code-file", "", "read the code from the first line of `FILE`")
	fs.BoolVar(&f.trust, "trust", false, "a peer that a code confirmed once is known by its key from then on, and needs no code (dialtone peers)")
	fs.BoolVar(&f.noAuth, "no-auth", false, "whoever is there is the right one")
	fs.BoolVar(&f.plain, "plain", false, "no encryption: a code still proves who is there, anybody on the way can read and change what is sent")
	fs.StringVar(&f.ca, "ca", "", "the peer shows a certificate of a CA in PEM `FILE`, instead of a code")
	fs.StringVar(&f.cert, "cert", "", "prove ourselves with the certificate in PEM `FILE`")
	fs.StringVar(&f.key, "key", "", "its private key, PEM `FILE`")
	fs.StringVar(&f.serverName, "servername", "", "the `NAME` that the certificate of who waits must have, if not its host")
}

// check refuses what contradicts itself. noAuth is what is lost without the others.
func (f *trustFlags) check() error {
	switch {
	case f.code != "" && f.codeFile != "":
		return usage("", "--code and --code-file: give one of them")
	case f.noAuth && (f.code != "" || f.codeFile != "" || f.trust || f.ca != ""):
		return usage("leave one of them out", "--no-auth takes anybody: it needs no --code, --trust or --ca beside it")
	case f.plain && (f.trust || f.ca != "" || f.cert != ""):
		return usage("keys and certificates are TLS: use --code with --plain", "--plain needs no --trust, --ca or --cert beside it")
	case (f.cert == "") != (f.key == ""):
		return usage("", "--cert and --key need each other")
	case f.ca != "" && f.trust:
		return usage("", "--ca and --trust: a peer is known by a CA or by its own key, not both")
	case f.serverName != "" && f.ca == "":
		return usage("", "--servername needs --ca")
	}
	return nil
}

// guarded reports whether a stranger is kept out.
func (f *trustFlags) guarded() bool { return !f.noAuth }

// defaultListen is where a verb waits unless told otherwise: everywhere as long
// as strangers are kept out.
func (f *trustFlags) defaultListen() string {
	if f.guarded() {
		return ":7020"
	}
	return "127.0.0.1:7020"
}

// parseListen reads where to wait, and refuses to open every interface to anybody.
func (f *trustFlags) parseListen(text string) (address.Address, error) {
	if text == "" {
		if !f.guarded() && f.net.ours() {
			return address.Address{}, usage(fmt.Sprintf("add --listen %s:%d", f.net.tap.prefix.Addr(), transferPort),
				"--no-auth with --net lets in whoever reaches the TAP device: it needs --listen")
		}
		text = f.defaultListen()
	}
	a, err := parseWithPort(text)
	if err == nil {
		err = f.net.checkListen(a)
	}
	switch {
	case err != nil:
		return a, err
	case !strings.HasPrefix(a.Scheme, "tcp"):
		return a, usage("write HOST:PORT or :PORT: a transfer makes its own encryption", "--listen %s: files travel over TCP only", text)
	case !f.guarded() && isEverywhere(a.Host):
		return a, usage("name one of this machine's addresses, such as --listen 192.168.1.5:7020, or leave --no-auth out",
			"--no-auth does not wait on all interfaces: anybody who reaches one could use it")
	}
	return a, nil
}

func isEverywhere(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "" || err == nil && ip.Unmap().IsUnspecified()
}
