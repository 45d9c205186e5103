package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"time"

	"dialtone/app/address"
)

// forwardTimeout bounds how long a client waits for the connection behind us,
// its TLS handshake included.
const forwardTimeout = 10 * time.Second

// forwardDialer returns how the service forward reaches where it relays to.
func (f *serveFlags) forwardDialer(text string) (func(context.Context) (net.Conn, error), error) {
	a, err := address.Parse(text)
	switch {
	case err != nil:
		return nil, err
	case a.WebSocket():
		return nil, usage("use tcp, tls, udp or unix", "forward cannot relay to %s", a)
	case a.Port == 0 && a.Scheme != "unix":
		return nil, usage("write the port that the other server listens on", "forward cannot relay to %s: no port", a)
	case !a.Secure() && (f.forwardCA != "" || f.insecure):
		return nil, usage("write tls:// before the address to relay to", "--forward-ca and --forward-insecure need TLS, and %s has none", a)
	}
	d := &net.Dialer{Timeout: forwardTimeout}
	dial := d.DialContext
	if a.Secure() {
		cfg := &tls.Config{InsecureSkipVerify: f.insecure}
		if f.forwardCA != "" {
			if cfg.RootCAs, err = readCAs(f.forwardCA); err != nil {
				return nil, withHint(err, "--forward-ca takes a PEM file of certificates")
			}
		}
		dial = (&tls.Dialer{NetDialer: d, Config: cfg}).DialContext
	}
	return func(ctx context.Context) (net.Conn, error) { return dial(ctx, a.Network(), a.Target()) }, nil
}

func readCAs(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: no certificate in it", file)
	}
	return pool, nil
}
