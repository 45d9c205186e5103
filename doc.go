// Package dialtone is the root of a module that moves bytes between programs
// and machines and shows what the network did with them. It holds no code: it
// is the map.
//
// The module is one command, cmd/dialtone, and a set of packages whose folders
// are the layers of TCP/IP, the application on top:
//
//	cmd/dialtone      the command: main.go and one file per verb
//	app/              application layer: knows only net.Conn, net.Listener, net.PacketConn
//	  address/        what an address means: [scheme://]host:port, parsed and checked
//	  escape/         a peer's bytes made safe to show on a terminal or in a log
//	  quantity/       numbers for people: three digits and a unit, counts with commas
//	  bulk/           bytes between files and connections, by the kernel where it can
//	  cpace/          a strong key from a weak password: CPace
//	  pairing/        who is at the other end: codes, keys, TLS; further connections
//	  serve/          the concurrent server and its services
//	  connect/        the full-duplex client
//	  digest/         BLAKE3 of a file from its chunks, in any order
//	  tree/           trees of files, read where they are sent from, written where they arrive
//	  transfer/       files between two machines: the protocol, and the classic ones
//	host/             one machine on our own stack: sockets, timers, routes
//	  kernel/         tests against Linux, on a TAP device
//	  interop/        net/http, gRPC, quic-go and NATS on it, as tests; a module of its own
//	transport/        ports and pseudo-header
//	  tcp/            segments, options, sequence numbers; the machine of a connection
//	  udp/            datagrams
//	  conversation/   timed conversations, by which TCP is tested: with ours, and with the kernel's
//	internet/         IPv4, IPv6, ICMP, IGMP, MLD
//	link/             Ethernet frames, MAC addresses, ARP and RARP; frames on their way, ports
//	  cable/          two network namespaces joined by a cable with faults, for tests and benchmarks
//	  netns/          network namespaces: the kernel's other networks
//	  sim/            cables, hubs and switches in memory
//	  tap/            a TAP device
//	observe/          sees what the machine's kernel knows, and what its wires carry
//	  board/          the page of watch: states, arrows between them, dots for connections
//	  capture/        frames from files and interfaces, taken apart
//	  grammar/        what the languages of filters have in common: and, or, not, addresses, ports
//	  filter/         what to see: tcpdump's words, and words for what conversations did
//	  flow/           conversations: states, labels and their reasons
//	  jsonline/       objects of JSON, one a line, fast
//	  ladder/         what conversations did, as text, pictures and pages
//	  pagetest/       pages in a real browser, for tests
//	  palette/        the colours of pages and pictures
//	  explain/        what states and figures of sockets mean, in words
//	  live/           sockets as they change, for faces that show them: rows, transitions, windows
//	  routes/         next hops, neighbours and interfaces
//	  screen/         sockets on a terminal, as they change
//	  sockets/        sockets: their states, figures and owners
//	bench/            benchmarks beside other programs; modules of their own
//	doc/              notes for people: what files may rely on, what speed costs; the demo
//
// Who may import whom is written in deps_test.go, and held there. The packages
// below app import nothing of the module but a few of their own kind: serve and
// connect address and escape, tree digest, pairing cpace, and transfer all of
// those and bulk. They meet the network in package net's interfaces, so that they
// run on the kernel's sockets and on any other implementation alike; only bulk
// asks for the kernel's own, and does without where it finds another. The packages
// below observe know the layers whose headers and states they show, and of app only
// escape and quantity; only the command imports both.
//
// # The way of a byte
//
// A stream comes in at serve.Server.Serve, which accepts it, checks it against
// the limits, wraps it (PROXY protocol, TLS, WebSocket) and hands it to a
// service. Most services are a [dialtone/app/serve.Talk]: bytes in, answer
// out, no I/O of their own. serve/stream.go reads into a pooled buffer that is
// held only while there is data, lets the Talk answer and writes the answer;
// serve/packet.go takes datagrams through the same Talk, many at a time. The
// client is two loops, keyboard to socket and socket to screen, in connect.
//
// A file leaves in transfer's sender: a chunk is read (tree), hashed (digest) and
// written as a frame to one of the session's connections (pairing, over bulk). The
// receiver reads the frame, compares the hash, and writes into a hidden partial
// beside the file's place (tree), which is renamed when all of it is there.
package dialtone
