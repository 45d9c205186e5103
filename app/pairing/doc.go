// Package pairing finds out who is at the other end of a connection, and makes
// one session of many connections to it. Who dials gives a code, or has met the
// other end before:
//
//	d := pairing.Dialer{Config: pairing.Config{Code: "7-copper-lantern"}}
//	s, err := d.Dial(ctx, "tcp", "192.0.2.7:7020")
//
//	l, err := pairing.NewListener(ln, pairing.Config{Code: code}, pairing.ListenOptions{})
//	s, err := l.Accept(ctx)
//
// A session has a first connection, s.Conn, and up to 64 further ones: s.Open at
// the end that dialled, s.AcceptStream at the other. What flows over them is the
// caller's.
//
// The rules:
//
//   - Connections are TLS 1.3 unless Config.Plain says otherwise. Then a code still
//     says who is there, but nobody protects what follows.
//   - A code is checked by CPace (package cpace), bound to the TLS connection by its
//     exporter: who sits in between, or only listens, learns nothing from which codes
//     could be tried at home. Each attempt to take part tests one code.
//   - The end that dials shows first that it has the code. A wrong one counts before
//     it is answered, whatever else goes on at once; the third burns the code.
//   - Without a code the ends must know each other's keys (KnownPeers), have
//     certificates of a common authority, or say out loud that nobody is
//     authenticated (NoAuth).
//   - Everything that both ends said is bound into what they confirm: nobody can
//     change an offer on the way to get less.
//   - A further connection proves, both ways, that it comes from the session's ends.
//   - Everything is bounded: the size of a message, the time of a handshake, how
//     many are under way, and how many of them for one address.
//
// Round trips before the first byte of the caller's: TCP 1, TLS 1, and 2 to say
// hello and to confirm. A further connection: TCP 1, TLS 1, and 1. TLS sessions are
// not resumed: it would save no round trip, only a fraction of a millisecond of
// computing.
//
// The messages are described in app/transfer/spec.md.
package pairing
