// Package interop has tests only: programs that know nothing of Dialtone run on
// simulated hosts, unmodified. It is a module of its own, so that what they depend on
// does not weigh on the main one.
//
//	net/http         1.1, and 2 with and without TLS
//	gRPC             the project's own interoperability tests
//	quic-go          over our UDP
//	NATS             server, clients, JetStream left out
//	nettest          the conformance suite of net.Conn, over a bad wire in a bubble
package interop
