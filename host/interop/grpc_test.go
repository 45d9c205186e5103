package interop

import (
	"context"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/interop"
	pb "google.golang.org/grpc/interop/grpc_testing"
)

// TestGRPC runs the interoperability tests of the gRPC project.
func TestGRPC(t *testing.T) {
	t.Run("plain", func(t *testing.T) {
		everywhere(t, func(t *testing.T, n network) { testGRPC(t, n, insecure.NewCredentials(), insecure.NewCredentials()) })
	})
	t.Run("in TLS", func(t *testing.T) {
		server, client := certificate(t)
		everywhere(t, func(t *testing.T, n network) {
			testGRPC(t, n, credentials.NewTLS(server), credentials.NewTLS(client))
		})
	})
}

func testGRPC(t *testing.T, n network, own, peer credentials.TransportCredentials) {
	ln := n.listen(t)
	server := grpc.NewServer(grpc.Creds(own))
	pb.RegisterTestServiceServer(server, interop.NewTestServer())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	defer func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()
	dial := func(ctx context.Context, address string) (net.Conn, error) {
		return n.client.DialContext(ctx, "tcp", address)
	}
	conn, err := grpc.NewClient("passthrough:///"+ln.Addr().String(),
		grpc.WithContextDialer(dial), grpc.WithTransportCredentials(peer))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()

	client := pb.NewTestServiceClient(conn)
	for name, test := range map[string]func(context.Context, pb.TestServiceClient, ...grpc.CallOption){
		"empty":              interop.DoEmptyUnaryCall,
		"large":              interop.DoLargeUnaryCall,
		"client streams":     interop.DoClientStreaming,
		"server streams":     interop.DoServerStreaming,
		"ping-pong":          interop.DoPingPong,
		"empty stream":       interop.DoEmptyStream,
		"timeout":            interop.DoTimeoutOnSleepingServer,
		"cancel after begin": interop.DoCancelAfterBegin,
		"cancel after first": interop.DoCancelAfterFirstResponse,
		"status and message": interop.DoStatusCodeAndMessage,
		"custom metadata":    interop.DoCustomMetadata,
		"special status":     interop.DoSpecialStatusMessage,
	} {
		t.Run(name, func(t *testing.T) { test(t.Context(), client) }) // a failure ends the program
	}
}
