package sockets

// buffersAhead are how many datagrams may be read before the first is taken apart.
const buffersAhead = 4

// datagram is what the kernel answered.
type datagram struct {
	bytes []byte
	err   error
}

// dumpMuch is dump for many answers: while one datagram of them is taken apart, the
// kernel, which works in the one that reads, makes the next.
func (t *Table) dumpMuch(ask func(b []byte, sequence uint32) []byte, each func(body []byte) error) error {
	if err := t.send(ask); err != nil {
		return err
	}
	if t.ahead == nil {
		t.ahead = [][]byte{t.buffer}
		for len(t.ahead) < buffersAhead {
			t.ahead = append(t.ahead, make([]byte, bufferLen))
		}
	}
	free, full := make(chan []byte, buffersAhead), make(chan datagram, buffersAhead)
	for _, buffer := range t.ahead {
		free <- buffer
	}
	go t.readAhead(free, full)
	var failed error
	for d := range full { // also after a failure: until the reader has ended
		if failed == nil {
			if failed = d.err; failed == nil {
				_, failed = messages(d.bytes, t.sequence, each)
			}
			if failed != nil {
				close(free)
			}
		}
		if failed == nil {
			free <- d.bytes[:bufferLen]
		}
	}
	return none(failed)
}

// readAhead reads until the answers are over, or free is closed.
func (t *Table) readAhead(free <-chan []byte, full chan<- datagram) {
	defer close(full)
	for buffer := range free {
		p, err := t.receive(buffer)
		full <- datagram{p, err}
		if err != nil {
			return
		}
		if done, err := messages(p, t.sequence, func([]byte) error { return nil }); done || err != nil {
			return
		}
	}
}
