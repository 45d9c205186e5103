package flow

// A Rule is the reason for a label: what was seen, and the section of the RFC that
// gives it its meaning. Its sentence is in ruleText.
type Rule uint8

// The rules, in the order of the labels that they give. Frames and Values are what
// the sentence of each uses.
const (
	RuleNone Rule = iota

	// Opening and closing.
	RuleSYN
	RuleSYNACK
	RuleHandshake
	RuleCrossedSYN
	RuleRefused
	RuleFIN
	RuleHalfClose
	RuleFinalFIN
	RuleFinalFINWithACK
	RuleFinalACK
	RuleCrossedFIN
	RuleTimeWaitACK
	RuleReset
	RuleResetAlone
	RulePortReuse

	// That bytes were sent again.
	RuleSeenBefore
	RuleSeenControl
	RuleSpoiled
	RuleNewerTimestamp
	RuleNewerID
	RuleAfterRTT
	RuleAfterTimeout
	RuleSkippedID

	// Why they were.
	RuleSYNTimeout
	RuleTimeout
	RuleTimeoutAgain
	RuleTimeoutRecovery
	RuleDupACKs
	RuleSACKedAbove
	RulePartialACK
	RuleTailLoss

	// That they need not have been.
	RuleAckedBefore
	RuleDSACKed
	RuleEifel
	RuleLateOriginal

	// That they were not, but overtaken on the way or copied.
	RuleOlderTimestamp
	RuleOlderID
	RuleSameTick
	RuleTooSoon
	RuleNotAsked
	RuleOvertakenACK
	RuleOvertakenNews
	RuleOvertakenByCopy
	RuleSameID
	RuleSameBytes

	// What acknowledgements say.
	RuleDupACK
	RuleSACK
	RuleDSACK
	RuleNotCaptured

	// Windows.
	RuleWindowUpdate
	RuleZeroWindow
	RuleProbeOld
	RuleProbeByte
	RuleProbeACK
	RuleWindowFull

	// Keeping alive.
	RuleKeepAlive
	RuleKeepAliveACK

	// Not as it should be.
	RuleChecksum
	RuleMSS
	RuleUnreachable

	rules // how many there are
)

// ruleText is the sentence of each rule, about the labelled frame. In braces stands
// what the finding fills in: f a frame, n a number, x one in hex, b bytes, t a time, with the index
// in Frames or Values.
var ruleText = [rules]string{
	RuleSYN:        "SYN without ACK asks for a connection; the bytes will be counted from {n0} (RFC 9293 §3.5)",
	RuleSYNACK:     "SYN and ACK accept the SYN of {f0}, {t0} after it; the bytes of this way will be counted from {n1} (RFC 9293 §3.5)",
	RuleHandshake:  "acknowledges the SYN+ACK of {f0}, {t0} after the SYN of {f1}: both ends are ESTABLISHED (RFC 9293 §3.5)",
	RuleCrossedSYN: "this SYN and the one of {f0} crossed: neither acknowledges the other (RFC 9293 §3.5, figure 7)",
	RuleRefused:    "RST that acknowledges the SYN of {f0}, {t0} after it: no one listens on that port (RFC 9293 §3.10.7.1)",

	RuleFIN:             "the first FIN: its sender has no more to send after {b0} (RFC 9293 §3.6)",
	RuleHalfClose:       "acknowledges the FIN of {f0}, and {f1} still brings {b0} the other way (RFC 9293 §3.6)",
	RuleFinalFIN:        "the FIN of the other end, {t0} after the one of {f0}, which had been acknowledged (RFC 9293 §3.6)",
	RuleFinalFINWithACK: "the FIN of the other end, and in the same segment the ACK of the FIN of {f0}: a close in three segments (RFC 9293 §3.6)",
	RuleFinalACK:        "acknowledges the FIN of {f0}: nothing is left to say either way (RFC 9293 §3.6)",
	RuleCrossedFIN:      "this FIN and the one of {f0} crossed: it does not acknowledge it (RFC 9293 §3.6, case 3)",
	RuleTimeWaitACK:     "the FIN of {f0} came again, so its first ACK, {f1}, was lost or late; TIME_WAIT acknowledges it again (RFC 9293 §3.10.7.4)",
	RuleReset:           "RST; it answers {f0} of {t0} before (RFC 9293 §3.5.2)",
	RuleResetAlone:      "RST; nothing came from the other end that it would answer: its sender gave the connection up (RFC 9293 §3.5.3)",
	RulePortReuse:       "a SYN of the addresses and ports of conversation {n0} with another initial number ({n1}, not {n2}): a new connection (RFC 9293 §3.4.1, RFC 6191)",

	RuleSeenBefore:     "{b0} that {f0} carried {t1} before",
	RuleSeenControl:    "the SYN or FIN that {f0} carried {t1} before",
	RuleSpoiled:        "{b0} that {f0} carried {t1} before, with a bad checksum",
	RuleNewerTimestamp: "{f0} had skipped these bytes; this segment's timestamp {n0} is newer than its {n1}, so it was sent after it: the first copy was lost before it came here (RFC 7323 §3)",
	RuleNewerID:        "{f0} had skipped these bytes; this segment's IP ID {n0} follows its {n1}, and this end counts them up, so it was sent after it: the first copy was lost before it came here (RFC 6864 §3)",
	RuleAfterRTT:       "{f0} had skipped these bytes {t0} before, longer than the round trip of {t1}, and {f1} had said that they are missing",
	RuleAfterTimeout:   "{f0} had skipped these bytes {t0} before, longer than the timeout of about {t1}",
	RuleSkippedID:      "this end counts IP IDs up by one, {n0} are missing before this frame, it paused {t1} after {f0}, and had nothing to acknowledge: the first copy was lost before it came here (RFC 6864 §3)",

	RuleSYNTimeout:      "the SYN of {f0} again after {t0} without an answer (RFC 6298 §5)",
	RuleTimeout:         "sent after {t0} without progress since {f0}; the timeout is about {t1} (RFC 6298 §5)",
	RuleTimeoutAgain:    "sent {t0} after {f0}, which a timeout had sent already, and still without progress: each timeout is twice the one before (RFC 6298 §5.5)",
	RuleTimeoutRecovery: "sent after the timeout of {f0} took all outstanding bytes for lost, and before they were acknowledged (RFC 5681 §3.1)",
	RuleDupACKs:         "{n0} duplicate ACKs, the last in {f0}, asked for it, {t1} before, within the timeout of about {t2} (RFC 5681 §3.2)",
	RuleSACKedAbove:     "the SACK of {f0}, {t0} before, reports bytes that lie behind it: up to {n1}, this ends at {n2} (RFC 6675 §5, RFC 8985 §6.2)",
	RulePartialACK:      "{f0} acknowledged a part of what was out when the recovery of {f1} began (RFC 6582 §3.2)",
	RuleTailLoss:        "the last bytes sent, {t0} after {f0} and before the timeout of about {t1}, more than a round trip of {t2}: a probe for a lost tail (RFC 8985 §7.3)",

	RuleAckedBefore:  "{f0} had acknowledged these bytes {t0} before: they had arrived, whether that ACK did or not",
	RuleDSACKed:      "the D-SACK of {f0} says that these bytes had arrived already (RFC 2883 §4)",
	RuleEifel:        "the ACK of {f0} echoes timestamp {n0}, older than this segment's {n1}: it answers the first copy (RFC 3522 §3.2)",
	RuleLateOriginal: "{f0} is the first copy, which came late: it had not been lost",

	RuleOlderTimestamp:  "its timestamp {n0} is older than the {n1} of {f0}, which skipped these bytes: it was sent first and overtaken (RFC 7323 §3)",
	RuleOlderID:         "its IP ID {n0} is before the {n1} of {f0}, which skipped these bytes, and this end counts them up: it was sent first and overtaken (RFC 6864 §3)",
	RuleSameTick:        "its timestamp is that of {f0}, which skipped these bytes: both were sent in the same tick, and to ask for them takes {t1}",
	RuleTooSoon:         "{f0} skipped these bytes only {t0} before; to ask for them and be answered takes {t1}",
	RuleNotAsked:        "{f0} skipped these bytes {t0} before; since then the other end has said nothing that would ask for them, and a timeout takes {t1}",
	RuleOvertakenACK:    "acknowledges {n0}, less than {f0} had acknowledged ({n1}): it was overtaken (RFC 9293 §3.10.7.4)",
	RuleOvertakenNews:   "acknowledges no more than {f0}, and was sent before it, as its IP ID or timestamp shows: it was overtaken",
	RuleOvertakenByCopy: "was sent before {f0}, its own second copy, and overtaken by it",
	RuleSameID:          "the IP ID {n0} of {f0} again: the same packet, not the same bytes in a new one (RFC 6864 §3)",
	RuleSameBytes:       "the sequence number, timestamp and checksum of {f0} again only {t0} later: the same packet twice",

	RuleDupACK:      "acknowledges {n1} again, as {f0} did, with nothing new: duplicate {n0} (RFC 5681 §2)",
	RuleSACK:        "has bytes {n1} to {n2} although {n0} is the next expected: something between is missing (RFC 2018 §3)",
	RuleDSACK:       "its first block, {n1} to {n2}, reports bytes that came twice (RFC 2883 §4)",
	RuleNotCaptured: "acknowledges {b0} up to {n1} that this capture does not have: they passed, and were not captured",

	RuleWindowUpdate: "same number acknowledged, the window now {n1} instead of {n0}: nothing else is new (RFC 9293 §3.8.6.2.2)",
	RuleZeroWindow:   "the window is 0: there is no room for another byte (RFC 9293 §3.8.6)",
	RuleProbeOld:     "the window of {f0} is 0; number {n0} lies before what it expects, so it must answer: is there room? (RFC 9293 §3.8.6.1)",
	RuleProbeByte:    "the window of {f0} is 0; {b0} beyond it, to have an answer: is there room? (RFC 9293 §3.8.6.1)",
	RuleProbeACK:     "answers the probe of {f0}: the window is {n0} (RFC 9293 §3.8.6.1)",
	RuleWindowFull:   "ends at {n0}, the edge of the window that {f0} announced: no more may be sent (RFC 9293 §3.8.6)",

	RuleKeepAlive:    "number {n0}, one before the next, after {t1} of silence, with all acknowledged: is the other end alive? (RFC 1122 §4.2.3.6)",
	RuleKeepAliveACK: "answers the keep-alive of {f0} (RFC 1122 §4.2.3.6)",

	RuleChecksum:    "the checksum is {x0}, and that is not the one of these bytes: the receiver drops the segment (RFC 9293 §3.1)",
	RuleMSS:         "{b0} of data and options, more than the {b1} of the other end's MSS, and not several segments joined (RFC 9293 §3.7.1)",
	RuleUnreachable: "ICMP type {n0} code {n1}, which quotes {f0} of this conversation (RFC 792, RFC 4443 §3, RFC 5461)",
}
