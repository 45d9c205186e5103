package interop

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
)

// TestHTTP runs net/http's server and client: many requests at once, a large body each
// way, and a client that goes away.
func TestHTTP(t *testing.T) {
	version := func(set func(*http.Protocols)) *http.Protocols {
		p := new(http.Protocols)
		set(p)
		return p
	}
	for _, c := range []struct {
		name      string
		protocols *http.Protocols
		tls       bool
		proto     string
	}{
		{"1.1", version(func(p *http.Protocols) { p.SetHTTP1(true) }), false, "HTTP/1.1"},
		{"1.1 in TLS", version(func(p *http.Protocols) { p.SetHTTP1(true) }), true, "HTTP/1.1"},
		{"2", version(func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }), false, "HTTP/2.0"},
		{"2 in TLS", version(func(p *http.Protocols) { p.SetHTTP2(true) }), true, "HTTP/2.0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, n network) { testHTTP(t, n, c.protocols, c.tls, c.proto) })
		})
	}
}

func testHTTP(t *testing.T, n network, protocols *http.Protocols, secure bool, proto string) {
	ln := n.listen(t)
	server := &http.Server{Protocols: protocols, Handler: http.HandlerFunc(sum)}
	transport := &http.Transport{Protocols: protocols, MaxConnsPerHost: 8, DialContext: n.client.DialContext}
	scheme := "http"
	if secure {
		serverTLS, clientTLS := certificate(t)
		server.TLSConfig, transport.TLSClientConfig, scheme = serverTLS, clientTLS, "https"
	}
	served := make(chan error, 1)
	go func() { served <- serve(server, ln) }()
	client := &http.Client{Transport: transport}
	url := fmt.Sprintf("%s://%s/", scheme, ln.Addr())

	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			body := bytes.Repeat([]byte{byte(i)}, i*i*100)
			if err := post(client, url, body, proto); err != nil {
				t.Errorf("request of %d bytes: %v", len(body), err)
			}
		})
	}
	all.Wait()

	goAway(t, client, url)
	transport.CloseIdleConnections()
	if err := server.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}

func serve(s *http.Server, ln net.Listener) error {
	if s.TLSConfig != nil {
		return s.ServeTLS(ln, "", "")
	}
	return s.Serve(ln)
}

// sum answers with the body and its sum behind it, or never.
func sum(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/never" {
		<-r.Context().Done()
		return
	}
	h := sha256.New()
	w.Header().Set("Trailer", "Sum")
	http.NewResponseController(w).EnableFullDuplex()
	io.Copy(io.MultiWriter(w, h), r.Body)
	w.Header().Set("Sum", fmt.Sprintf("%x", h.Sum(nil)))
}

// post sends body and compares what comes back.
func post(client *http.Client, url string, body []byte, proto string) error {
	r, err := client.Post(url, "application/octet-stream", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer r.Body.Close()
	got, err := io.ReadAll(r.Body)
	switch {
	case err != nil:
		return err
	case r.Proto != proto:
		return fmt.Errorf("it was %s, want %s", r.Proto, proto)
	case !bytes.Equal(got, body):
		return fmt.Errorf("%d other bytes came back", len(got))
	case r.Trailer.Get("Sum") != fmt.Sprintf("%x", sha256.Sum256(body)):
		return fmt.Errorf("trailer %v", r.Trailer)
	}
	return nil
}

// goAway gives up a request while the server is at it.
func goAway(t *testing.T, client *http.Client, url string) {
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "GET", url+"never", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := client.Do(r)
		done <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("request given up: %v", err)
	}
}
