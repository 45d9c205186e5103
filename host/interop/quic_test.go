package interop

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"testing"

	"github.com/quic-go/quic-go"
)

// TestQUIC sends a megabyte there and back by quic-go, on four streams.
func TestQUIC(t *testing.T) { everywhere(t, testQUIC) }

func testQUIC(t *testing.T, n network) {
	own, peer := certificate(t, "echo")
	server, err := n.server.ListenPacket(t.Context(), "udp", n.address+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	client, err := n.client.ListenPacket(t.Context(), "udp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	serverTransport, clientTransport := &quic.Transport{Conn: server}, &quic.Transport{Conn: client}
	defer serverTransport.Close()
	defer clientTransport.Close()

	ln, err := serverTransport.Listen(own, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go echoStreams(t.Context(), ln)
	conn, err := clientTransport.Dial(t.Context(), server.LocalAddr(), peer, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 4 {
		if err := roundTrip(t.Context(), conn); err != nil {
			t.Error(err)
		}
	}
	conn.CloseWithError(0, "")
}

func echoStreams(ctx context.Context, ln *quic.Listener) {
	conn, err := ln.Accept(ctx)
	if err != nil {
		return
	}
	for {
		s, err := conn.AcceptStream(ctx)
		if err != nil {
			return
		}
		go func() {
			io.Copy(s, s)
			s.Close()
		}()
	}
}

func roundTrip(ctx context.Context, conn *quic.Conn) error {
	s, err := conn.OpenStreamSync(ctx)
	if err != nil {
		return err
	}
	sent := make([]byte, 1<<18)
	rand.Read(sent)
	go func() {
		s.Write(sent)
		s.Close()
	}()
	got, err := io.ReadAll(s)
	if err == nil && !bytes.Equal(got, sent) {
		err = io.ErrUnexpectedEOF
	}
	return err
}
