package host

// inputTCP takes segments in the order in which they came, all by one interface.
func (h *Host) inputTCP(batch []packet, out *outbox) {}

// unreachableTCP tells a connection what has become of its segment.
func (h *Host) unreachableTCP(u *unreachable, out *outbox) {}

// closeTCP ends all connections and listeners, without a word to their peers.
func (h *Host) closeTCP() {}
