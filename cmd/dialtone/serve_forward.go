package main

import (
	"context"
	"net"
	"time"

	"dialtone/app/address"
	"dialtone/app/connect"

	"github.com/spf13/pflag"
)

// addForward defines what of f the service forward takes.
func (f *clientTLSFlags) addForward(fs *pflag.FlagSet) {
	fs.StringVar(&f.ca, "forward-ca", "", "forward trusts the CAs in this PEM `FILE`, not the system's")
	fs.StringVar(&f.fingerprint, "forward-fingerprint", "", "forward accepts only the certificate with this `SHA256`")
	fs.BoolVar(&f.insecure, "forward-insecure", false, "forward to tls:// whoever is there, without verifying")
}

// forwardGiven returns the first of the flags that was typed, or nothing.
func (f *clientTLSFlags) forwardGiven() string {
	switch {
	case f.ca != "":
		return "--forward-ca"
	case f.fingerprint != "":
		return "--forward-fingerprint"
	case f.insecure:
		return "--forward-insecure"
	}
	return ""
}

// forwardTimeout bounds how long a client waits for the connection behind us,
// its handshakes included.
const forwardTimeout = 10 * time.Second

// forwardDialer returns how the service forward reaches where it relays to: the
// way connect does.
func (f *serveFlags) forwardDialer(text string) (func(context.Context) (net.Conn, error), error) {
	a, err := address.Parse(text)
	switch {
	case err != nil:
		return nil, err
	case a.Port == 0 && a.Scheme != "unix":
		return nil, usage("write the port that the other server listens on", "forward cannot relay to %s: no port", a)
	case !a.Secure() && f.forward.forwardGiven() != "":
		return nil, usage("write tls:// before the address to relay to", "%s needs TLS, and %s has none", f.forward.forwardGiven(), a)
	}
	if err := f.net.check(a); err != nil {
		return nil, err
	}
	if err := f.forward.check(); err != nil {
		return nil, err
	}
	d := &connect.Dialer{Timeout: forwardTimeout}
	if d.TLS, err = f.forward.config(); err != nil {
		return nil, withHint(err, "--forward-ca takes a PEM file of certificates")
	}
	return func(ctx context.Context) (net.Conn, error) {
		here := *d
		here.Net = f.sockets
		return here.Dial(ctx, a)
	}, nil
}
