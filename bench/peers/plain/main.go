// Command plain is the upper-case server that everybody writes first: package
// net, a goroutine per connection, a 4 KiB buffer, bytes.ToUpper.
//
//	plain [-buffer BYTES] [-words] tcp|udp|tls
package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"log"
	"math/big"
	"net"
	"time"

	"dialtone/bench/peers/ascii"
)

func main() {
	log.SetFlags(0)
	buffer := flag.Int("buffer", 4096, "bytes read at once")
	words := flag.Bool("words", false, "upper-case eight bytes at a time, in place")
	flag.Parse()
	upper := bytes.ToUpper
	if *words {
		upper = func(p []byte) []byte { ascii.Upper(p); return p }
	}
	switch network := flag.Arg(0); network {
	case "tcp", "tls":
		serveStreams(network, *buffer, upper)
	case "udp":
		serveDatagrams(*buffer, upper)
	default:
		log.Fatal("usage: plain [-buffer BYTES] [-words] tcp|udp|tls")
	}
}

func serveStreams(network string, buffer int, upper func([]byte) []byte) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	if network == "tls" {
		l = tls.NewListener(l, selfSigned())
	}
	fmt.Printf("listening %s://%s\n", network, l.Addr())
	for {
		c, err := l.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go answer(c, buffer, upper)
	}
}

func answer(c net.Conn, buffer int, upper func([]byte) []byte) {
	defer c.Close()
	buf := make([]byte, buffer)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		if _, err := c.Write(upper(buf[:n])); err != nil {
			return
		}
	}
}

func serveDatagrams(buffer int, upper func([]byte) []byte) {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening udp://%s\n", c.LocalAddr())
	buf := make([]byte, buffer)
	for {
		n, peer, err := c.ReadFromUDPAddrPort(buf)
		if err != nil {
			continue
		}
		c.WriteToUDPAddrPort(upper(buf[:n]), peer)
	}
}

func selfSigned() *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		log.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}
