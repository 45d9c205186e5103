package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"

	"dialtone/app/address"
	"dialtone/app/connect"

	"github.com/spf13/pflag"
)

// clientTLSFlags say what a server must prove, and what we do.
type clientTLSFlags struct {
	ca, fingerprint, serverName, cert, key string
	alpn                                   []string
	insecure                               bool
}

func (f *clientTLSFlags) addTo(fs *pflag.FlagSet) {
	fs.StringVar(&f.ca, "ca", "", "trust the CAs in `FILE` (PEM) instead of the system's")
	fs.StringVar(&f.fingerprint, "fingerprint", "", "accept only the certificate with this `SHA256`, whoever signed it")
	fs.BoolVar(&f.insecure, "insecure", false, "do not verify the server at all")
	fs.StringVar(&f.serverName, "servername", "", "the `NAME` that the certificate must have, if not the address's host")
	fs.StringSliceVar(&f.alpn, "alpn", nil, "application protocols to offer, best first: `NAME,...`")
	fs.StringVar(&f.cert, "cert", "", "prove ourselves with the certificate in `FILE` (PEM)")
	fs.StringVar(&f.key, "key", "", "its private key, `FILE` (PEM)")
}

func (f *clientTLSFlags) check() error {
	switch {
	case (f.cert == "") != (f.key == ""):
		return usage("", "--cert and --key need each other")
	case f.ca != "" && f.fingerprint != "":
		return usage("", "--fingerprint needs no --ca: it trusts one certificate, whoever signed it")
	case f.fingerprint != "":
		if _, err := connect.ParseFingerprint(f.fingerprint); err != nil {
			return usage("dialtone serve prints it; or: openssl x509 -noout -fingerprint -sha256 -in cert.pem", "--%v", err)
		}
	}
	return nil
}

// config reads the files.
func (f *clientTLSFlags) config() (t connect.TLS, err error) {
	t = connect.TLS{Insecure: f.insecure, ServerName: f.serverName, ALPN: f.alpn}
	if f.ca != "" {
		pem, err := os.ReadFile(f.ca)
		if err != nil {
			return t, err
		}
		t.Roots = x509.NewCertPool()
		if !t.Roots.AppendCertsFromPEM(pem) {
			return t, withHint(fmt.Errorf("%s holds no certificate", f.ca), "a CA file is PEM: -----BEGIN CERTIFICATE-----")
		}
	}
	if f.fingerprint != "" {
		pin, err := connect.ParseFingerprint(f.fingerprint)
		if err != nil {
			return t, err
		}
		t.Fingerprint = &pin
	}
	if f.cert != "" {
		pair, err := tls.LoadX509KeyPair(f.cert, f.key)
		if err != nil {
			return t, fmt.Errorf("--cert %s --key %s: %w", f.cert, f.key, err)
		}
		t.Certificates = []tls.Certificate{pair}
	}
	return t, nil
}

// dialer returns what reaches a, and what ends it after the conversation.
func (f *connectFlags) dialer(a address.Address) (d *connect.Dialer, end func(), err error) {
	local, err := f.localAddr(a)
	if err != nil {
		return nil, nil, err
	}
	kernel := newKernelSockets()
	kernel.Dialer.LocalAddr = local
	if f.sourcePort != 0 {
		kernel.Dialer.Control = reuseAddress
	}
	t, err := f.tls.config()
	if err != nil {
		return nil, nil, err
	}
	s, end, err := f.net.open(kernel)
	return &connect.Dialer{Net: s, Timeout: f.timeout, TLS: t}, end, err
}

// localAddr returns where to come from, or nil for the kernel's choice.
func (f *connectFlags) localAddr(a address.Address) (net.Addr, error) {
	if f.local == "" && f.sourcePort == 0 {
		return nil, nil
	}
	var ip net.IP
	var zone string
	if f.local != "" {
		parsed, err := netip.ParseAddr(strings.Trim(f.local, "[]"))
		if err != nil {
			return nil, usage("write an address of this machine, such as 127.0.0.1 or ::1", "--local %q is not an IP address", f.local)
		}
		ip, zone = parsed.AsSlice(), parsed.Zone()
	}
	if a.Datagram() {
		return &net.UDPAddr{IP: ip, Zone: zone, Port: int(f.sourcePort)}, nil
	}
	return &net.TCPAddr{IP: ip, Zone: zone, Port: int(f.sourcePort)}, nil
}

// explain adds a hint where this verb knows more than hintFor.
func (f *connectFlags) explain(a address.Address, err error) error {
	var pin *connect.FingerprintError
	var unverified *tls.CertificateVerificationError
	var unknownCA x509.UnknownAuthorityError
	var record *connect.RecordError
	var alert *net.OpError
	var failed *connect.Error
	switch {
	case err == nil || errors.Is(err, errInterrupted):
		return err
	case errors.As(err, &pin):
		return withHint(err, "if the server has a new certificate, ask its operator for the new fingerprint; if not, somebody else answers there")
	case errors.As(err, &unknownCA) && errors.As(err, &unverified) && len(unverified.UnverifiedCertificates) > 0:
		return withHint(err, "name its CA with --ca FILE, or, if this is the fingerprint that the server printed, pin it: --fingerprint "+
			connect.FingerprintOf(unverified.UnverifiedCertificates[0]).String())
	case errors.As(err, &alert) && alert.Op == "remote error" && strings.Contains(alert.Error(), "certificate required"):
		return withHint(err, "the server wants to know who we are: --cert FILE --key FILE")
	case errors.As(err, &record):
		return withHint(err, "a record is what dialtone connect --record FILE writes")
	case errors.Is(err, connect.ErrCut):
		return withHint(err, "the server crashed, ends without a goodbye, or somebody on the way cut the line: look at its log")
	case errors.Is(err, syscall.EADDRINUSE):
		return withHint(err, "a socket of this machine has that source port, or had it a moment ago: leave out --source-port, or choose another")
	case errors.Is(err, syscall.EMSGSIZE):
		return withHint(err, "a datagram has at most 65507 bytes, and less on some paths: lower --datagram")
	case errors.Is(err, syscall.ETIMEDOUT):
		return withHint(err, "the other side stopped answering: the machine is down, or the network between")
	case errors.Is(err, fs.ErrNotExist) && a.Scheme == "unix":
		return withHint(err, "no socket has that path: check it, and that the server is running")
	case errors.As(err, &failed) && hintFor(err) == "":
		return withHint(err, failedHint(a, failed))
	}
	return err
}

// failedHint is for failures that tell nothing more themselves.
func failedHint(a address.Address, err *connect.Error) string {
	switch {
	case err.Address == "":
		return "check what standard input and output are connected to"
	case a.WebSocket() && err.Op == "connect to":
		return "check the path: this one is no WebSocket; or try tcp:// or " + map[string]string{"ws": "wss", "wss": "ws"}[a.Scheme] + "://"
	}
	return "look at the server's log; --hex shows what was said"
}
