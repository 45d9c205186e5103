package interop

// What doc/testing-with-dialtone.md shows of gRPC.

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"dialtone/host"
	"dialtone/link/sim"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// A call fails at its deadline while the cable is cut, and the next one works on the
// same connection.
func TestGRPCIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cable := sim.NewCable(sim.Config{Delay: 20 * time.Millisecond, Loss: 0.01, Seed: 1})
		defer cable.Close()
		a := host.New("a", host.Seed(1), host.Attach(cable.A(), "10.0.0.1/24"))
		defer a.Close()
		b := host.New("b", host.Seed(1), host.Attach(cable.B(), "10.0.0.2/24"))
		defer b.Close()

		ln, err := a.Listen(t.Context(), "tcp", ":443")
		if err != nil {
			t.Fatal(err)
		}
		server := grpc.NewServer()
		grpc_health_v1.RegisterHealthServer(server, health.NewServer())
		go server.Serve(ln)
		defer server.Stop()

		dial := func(ctx context.Context, address string) (net.Conn, error) { return b.DialContext(ctx, "tcp", address) }
		conn, err := grpc.NewClient("passthrough:///10.0.0.1:443",
			grpc.WithContextDialer(dial), grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		client := grpc_health_v1.NewHealthClient(conn)
		call := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := client.Check(ctx, new(grpc_health_v1.HealthCheckRequest))
			return err
		}

		if err := call(); err != nil {
			t.Error(err)
		}
		cable.Cut()
		if err := call(); status.Code(err) != codes.DeadlineExceeded {
			t.Errorf("behind a cut cable: %v", err)
		}
		cable.Restore()
		time.Sleep(5 * time.Second) // until what was lost has been sent again
		if err := call(); err != nil {
			t.Error(err)
		}
	})
}
