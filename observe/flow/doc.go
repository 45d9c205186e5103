// Package flow follows conversations: every TCP connection and UDP exchange of a
// capture, its two ends, their states as far as a third party can know them, and a
// label with its reason on every segment that means something.
//
//	tracker := flow.New(flow.Config{})
//	for {
//		record, err := source.Next()
//		…
//		capture.Decode(record, &packet)
//		event := tracker.Add(&packet) // what this packet did; nil for one of no conversation
//		for _, f := range event.Findings {
//			fmt.Println(f.Frame, f.Label, f.Why())
//		}
//	}
//
// A [Reassembly], fed with the events of one conversation, gives its bytes.
//
// # States
//
// A sniffer sees what passes, not what arrives. An end's state is therefore what its
// own segments prove: it sends a FIN, so it is in FIN_WAIT_1; it acknowledges the
// other's, so that had arrived, and it is in CLOSE_WAIT. Only what nobody acknowledges
// is taken to arrive: the ACK of a SYN or a FIN takes effect at the end that it is for
// when it passes. If that was wrong, the end says so by sending again what the ACK was
// for, and its state goes back: from ESTABLISHED to SYN_RCVD, from CLOSED to LAST_ACK.
// A server is not known to be in LISTEN before its SYN+ACK; Event.Before has it then.
// When two FINs cross, the ACK of one does not move its sender out of FIN_WAIT_1
// before that has acknowledged the other.
//
// # Loss or order
//
// A segment with numbers below the highest ones is a copy, late, or sent again. Which
// of them is told from evidence, the strongest first: timestamps, which a sender does
// not turn back; IP IDs, where the sender is found to count them up; the time that has
// passed, beside the round trip from end to end as both halves were seen from here; and
// whether the other end had asked. The finding's rule names what decided. Where the
// first copy was lost before it came here, and was the last of a flight, nothing shows
// it but a skipped ID.
//
// A retransmission is labelled as one, and then with its cause, where that can be told:
// timeout, fast retransmission, tail-loss probe. That it was not needed is often known
// only later, from a D-SACK or an echoed timestamp: the finding is then of an earlier
// frame.
//
// # Limits
//
// Numbers count from the SYN, or from one before the first that was seen. Windows are
// scaled where both SYNs were seen. Memory is bounded by [Config]: conversations are
// given up, the closed first, and of each end are remembered as many segments as are on
// their way, up to 16,384, 64 that are acknowledged, and 1,024 holes. What is forgotten
// makes a finding vaguer, by "an earlier frame", not wrong in kind.
//
// A segment with a bad checksum is labelled and then ignored, as its receiver does;
// but not at an end of which no checksum was ever right: a capture on the sending
// machine has them before the device fills them in.
package flow
