package sockets

import "slices"

// Config says which table to open. The zero Config is this process's own.
type Config struct {
	// Netns is the file of another network namespace, such as /run/netns/NAME or
	// /proc/PID/ns/net; "" is this process's. Another one needs root.
	Netns string
}

// Query says what to read. The zero Query is every TCP and UDP socket, with what the
// kernel tells unasked.
type Query struct {
	Filter *Filter // nil takes all

	Networks   []string // of "tcp", "udp", "unix"; nil is tcp and udp, and unix where Filter names it
	Info       bool     // fill in Socket.Info
	Memory     bool     // fill in Socket.Memory
	Congestion bool     // fill in Socket.Congestion
	Owners     bool     // fill in Socket.Processes; a filter that asks for them does so by itself
}

// networks are those to ask the kernel for.
func (q Query) networks() []string {
	list := q.Networks
	if list == nil {
		list = []string{"tcp", "udp", "unix"}
		if !q.Filter.NamesUnix() {
			list = list[:2]
		}
	}
	return q.Filter.networks(list)
}

// requests are those for the sockets of network. What the kernel cannot decide it sends.
func (q Query) requests(network string) []request {
	r := request{
		protocol: protocolTCP,
		states:   kernelMask(network, q.Filter.states()),
		program:  q.Filter.program(network),
	}
	for _, a := range []struct {
		wanted bool
		number int
	}{{q.Info && network == "tcp", attrInfo}, {q.Memory, attrMemory}, {q.Congestion && network == "tcp", attrCongestion}} {
		if a.wanted {
			r.attributes |= 1 << (a.number - 1)
		}
	}
	switch {
	case r.states == 0:
		return nil
	case network == "tcp":
		return []request{r} // both families at once
	}
	r.protocol = protocolUDP
	four, six := r, r
	four.family, six.family = familyINET, familyINET6
	return []request{four, six}
}

// halves cuts a request for TCP sockets in two: by their ports, which do not change while
// the table is read. Of a client's connections, a server's, or both, about as many fall on
// either side. Where that would be too long, the second asks for nothing.
func (f *Filter) halves(whole *request) (first []byte, second request) {
	const middle = 46_000 // of the ports that Linux gives by itself
	low := func(end side) node { return portTerm{side: end, last: middle} }
	alike := or{and{low(local), low(remote)}, and{not{low(local)}, not{low(remote)}}}
	var all node = always(true)
	if f != nil {
		all = f.root
	}
	first, second = program(and{all, alike}, "tcp"), *whole
	second.program = program(and{all, not{alike}}, "tcp")
	if first == nil || second.program == nil {
		return whole.program, request{}
	}
	return first, second
}

// keep drops the rows that f does not take.
func (f *Filter) keep(list []*Socket) []*Socket {
	if f == nil || f.root == always(true) {
		return list
	}
	return slices.DeleteFunc(list, func(s *Socket) bool { return !f.root.match(s) })
}
