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

// keep drops the rows from start on that filter does not take.
func (r *rows) keep(start int, filter *Filter) {
	if filter == nil || filter.root == always(true) {
		return
	}
	kept := slices.DeleteFunc(r.list[start:], func(s *Socket) bool { return !filter.root.match(s) })
	r.list = r.list[:start+len(kept)]
}
