package serve_test

import (
	"testing"

	"dialtone/app/serve"
)

// identity returns a self-signed one for loopback.
func identity(t testing.TB) *serve.Identity {
	t.Helper()
	d := &serve.Identity{Hosts: []string{"127.0.0.1", "localhost"}}
	must(t, d.Load())
	return d
}
