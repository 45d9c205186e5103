package explain

import (
	"dialtone/observe/sockets"
	"dialtone/transport/tcp"
)

// Kind is what makes a transition.
type Kind string

// The kinds.
const (
	Call    Kind = "call"    // of the program
	Segment Kind = "segment" // that arrived
	Timer   Kind = "timer"   // that ran out
	Unseen  Kind = "unseen"  // several in a row, between two looks
)

// Arrow is a way from one state to another.
type Arrow struct {
	From, To sockets.State
	Kind     Kind
	Cause    string // a few words: "connect()", "FIN arrives"
	Sends    string // what goes out then: "SYN"; "" for nothing
	Section  string // of RFC 9293
	About    string // what happens and why, in sentences
	Drawn    bool   // in the RFC's figure 5, or in its notes
}

// Arrows returns those of RFC 9293 §3.3.2, figure 5, with the two of its notes, in the
// order in which a connection meets them.
func Arrows() []Arrow {
	list := []Arrow{
		arrow(tcp.Closed, tcp.Listen, Call, "listen()", "", "3.10.1",
			"A program is ready to be called: a passive OPEN. Nothing is sent; the port is taken."),
		arrow(tcp.Closed, tcp.SynSent, Call, "connect()", "SYN", "3.10.1",
			"A program calls: an active OPEN. The SYN carries the first sequence number of this end, and the options it would like."),
		arrow(tcp.Listen, tcp.Closed, Call, "close()", "", "3.10.4",
			"The program no longer takes calls. Connections that it accepted go on."),
		arrow(tcp.Listen, tcp.SynReceived, Segment, "SYN arrives", "SYN, ACK", "3.10.7.2",
			"Somebody calls. The answer acknowledges the SYN and carries one of its own. The listener stays as it is; the connection is a new one, half open, which no program sees yet."),
		arrow(tcp.Listen, tcp.SynSent, Call, "send()", "SYN", "3.10.2",
			"A listener that sends becomes the caller. RFC 9293 allows it; Linux has no call for it."),
		arrow(tcp.SynSent, tcp.Closed, Call, "close(), RST, timeout", "", "3.10.7.3",
			"The call came to nothing: refused with an RST, given up after several SYNs without an answer, or the program closed."),
		arrow(tcp.SynSent, tcp.SynReceived, Segment, "SYN arrives", "SYN, ACK", "3.10.7.3",
			"Both ends called each other at the same time. Each acknowledges the other's SYN, and there will be one connection, not two."),
		arrow(tcp.SynSent, tcp.Established, Segment, "SYN, ACK arrives", "ACK", "3.10.7.3",
			"The other end took the call. For this end the connection is open: connect() returns, and data may go with the ACK."),
		arrow(tcp.SynReceived, tcp.Listen, Segment, "RST arrives", "", "3.10.7.4",
			"The caller did not mean it: its SYN was an old one, or somebody forged it. The request is dropped and the listener waits for others."),
		arrow(tcp.SynReceived, tcp.Established, Segment, "ACK arrives", "", "3.10.7.4",
			"The third segment of the handshake: the other end has our SYN. The connection is open, and waits for accept()."),
		arrow(tcp.SynReceived, tcp.FinWait1, Call, "close()", "FIN", "3.10.4",
			"The program closes before the handshake is over: our FIN goes out behind our SYN."),
		arrow(tcp.Established, tcp.FinWait1, Call, "close()", "FIN", "3.10.4",
			"The program here closes first, or shuts its half down: an active close. The FIN says that nothing more comes from this end; what the other sends is still taken."),
		arrow(tcp.Established, tcp.CloseWait, Segment, "FIN arrives", "ACK", "3.10.7.4",
			"The other end has said all it had to say: the program here reads the end of the input. It may go on sending, and must close at some time: until it does, the connection stays here."),
		arrow(tcp.FinWait1, tcp.FinWait2, Segment, "ACK arrives", "", "3.10.7.4",
			"The other end has our FIN. It may still send; only its own FIN is missing, which comes when its program closes."),
		arrow(tcp.FinWait1, tcp.Closing, Segment, "FIN arrives", "ACK", "3.10.7.4",
			"Both ends closed at the same time: the FINs crossed on the way. Ours is not acknowledged yet."),
		arrow(tcp.FinWait1, tcp.TimeWait, Segment, "FIN, ACK arrives", "ACK", "3.10.7.4",
			"One segment has the other end's FIN and acknowledges ours. The RFC's figure leaves this arrow out and tells of it in a note."),
		arrow(tcp.FinWait2, tcp.TimeWait, Segment, "FIN arrives", "ACK", "3.10.7.4",
			"The other end closes too. Our last ACK may get lost, so this end stays to send it again."),
		arrow(tcp.Closing, tcp.TimeWait, Segment, "ACK arrives", "", "3.10.7.4",
			"The other end has our FIN as well. Both wait, for neither knows that its last ACK arrived."),
		arrow(tcp.CloseWait, tcp.LastAck, Call, "close()", "FIN", "3.10.4",
			"The program here closes as well: our FIN goes out, the last word of the connection."),
		arrow(tcp.LastAck, tcp.Closed, Segment, "ACK arrives", "", "3.10.7.4",
			"The other end has our FIN: nothing is left to say. This end forgets the connection at once; the one that closed first waits."),
		arrow(tcp.TimeWait, tcp.Closed, Timer, "2 MSL are over", "", "3.10.8",
			"What might still be on its way has died out, so that the ports may be used again. Linux waits 60 seconds, or less if a new SYN with later numbers comes."),
	}
	return list
}

func arrow(from, to tcp.State, kind Kind, cause, sends, section, about string) Arrow {
	return Arrow{sockets.State(from), sockets.State(to), kind, cause, sends, section, about, true}
}

// Explain says what takes an end of a connection from one state to another, for every
// pair: what is no arrow of the figure is an end before its time, or more than one step.
func Explain(from, to sockets.State) Arrow {
	for _, a := range Arrows() {
		if a.From == from && a.To == to {
			return a
		}
	}
	a := Arrow{From: from, To: to}
	switch {
	case from == 0:
		a.Kind, a.Section = Unseen, "3.3.2"
		a.Cause, a.About = "first seen", "Where the connection came from was not seen: it was there before the watch began, or came about between two looks."
	case to == sockets.State(tcp.Closed) && from == sockets.State(tcp.FinWait2):
		a.Kind, a.Section = Timer, "3.10.8"
		a.Cause, a.About = "given up, or RST", "The other end's FIN never came. Linux waits 60 seconds for it where no program has the socket any more (tcp_fin_timeout); an RST ends it at once."
	case to == sockets.State(tcp.Closed):
		a.Kind, a.Section = Segment, "3.5.3"
		a.Cause, a.About = "RST, abort, timeout", "The end before its time: an RST arrived (§3.10.7.4), the program aborted and an RST went out (§3.10.5), or too many retransmissions went without an answer (§3.8.3). The figure leaves these arrows out, for there is one from every state."
	default:
		a.Kind, a.Section = Unseen, "3.3.2"
		a.Cause, a.About = "several steps", "More than one step of the figure: the states between were left before anybody looked."
	}
	return a
}

// Meaning says what it is to be in one of TCP's states; "" for others.
func Meaning(s sockets.State) string {
	texts := map[tcp.State]string{
		tcp.Listen:      "A program waits to be called.",
		tcp.SynSent:     "This end has called and waits for an answer.",
		tcp.SynReceived: "This end was called, has answered, and waits to hear that the answer arrived: half open.",
		tcp.Established: "Open: data flows both ways.",
		tcp.FinWait1:    "This end has closed first; its FIN is not acknowledged yet.",
		tcp.FinWait2:    "This end has closed first and the other end knows; it may still send, and has not closed.",
		tcp.CloseWait:   "The other end has closed, and the program here has not. A connection that stays here waits for its own program.",
		tcp.Closing:     "Both ends closed at the same time; our FIN is not acknowledged yet.",
		tcp.LastAck:     "Both ends have closed, the other one first; our FIN is not acknowledged yet.",
		tcp.TimeWait:    "All is said. The end that closed first waits until nothing old can be on its way: in Linux for a minute. That is as it should be.",
		tcp.Closed:      "No connection: before it began, or after its end. The page shows those that are gone for some seconds.",
	}
	return texts[tcp.State(s)]
}
