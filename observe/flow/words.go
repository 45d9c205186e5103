package flow

import "strings"

// labelWords are what people see, and what a filter's "label" term takes.
var labelWords = [labels]string{
	LabelSYN:                   "SYN",
	LabelSYNACK:                "SYN+ACK",
	LabelHandshake:             "handshake complete",
	LabelSimultaneous:          "simultaneous open",
	LabelRefused:               "refused",
	LabelFIN:                   "FIN",
	LabelHalfClose:             "half-close",
	LabelFinalFIN:              "final FIN",
	LabelFinalACK:              "final ACK",
	LabelCrossedFIN:            "simultaneous close",
	LabelTimeWaitACK:           "TIME_WAIT ACK",
	LabelReset:                 "reset",
	LabelPortReuse:             "port reuse",
	LabelRetransmission:        "retransmission",
	LabelTimeoutRetransmission: "timeout retransmission",
	LabelFastRetransmission:    "fast retransmission",
	LabelTailLossProbe:         "tail-loss probe",
	LabelSpurious:              "spurious retransmission",
	LabelOutOfOrder:            "out of order",
	LabelDuplicate:             "duplicate packet",
	LabelDupACK:                "duplicate ACK",
	LabelSACK:                  "SACK",
	LabelDSACK:                 "D-SACK",
	LabelNotCaptured:           "not captured",
	LabelWindowUpdate:          "window update",
	LabelZeroWindow:            "zero window",
	LabelZeroWindowProbe:       "zero-window probe",
	LabelProbeACK:              "zero-window probe ACK",
	LabelWindowFull:            "window full",
	LabelKeepAlive:             "keep-alive",
	LabelKeepAliveACK:          "keep-alive ACK",
	LabelChecksumBad:           "checksum bad",
	LabelMSSExceeded:           "MSS exceeded",
	LabelUnreachable:           "unreachable",
}

// String returns the words for the label: "fast retransmission".
func (l Label) String() string {
	if l < labels {
		return labelWords[l]
	}
	return ""
}

// Is reports whether l says what wide says, or more precisely: a fast retransmission
// is a retransmission. A tail-loss probe and a spurious retransmission are, too.
func (l Label) Is(wide Label) bool {
	if wide == LabelRetransmission {
		return l >= LabelRetransmission && l <= LabelSpurious
	}
	return l == wide
}

// ParseLabel returns the label of the given words. Case, blanks, hyphens and
// underscores do not matter: "tail-loss probe", "TailLossProbe" and
// "tail_loss_probe" are the same. ok is false for words of no label.
func ParseLabel(words string) (l Label, ok bool) {
	for l := LabelSYN; l < labels; l++ {
		if plain(labelWords[l]) == plain(words) {
			return l, true
		}
	}
	return LabelNone, false
}

// plain returns the letters and the plus signs of words in lower case.
func plain(words string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == ' ' || r == '_' {
			return -1
		}
		return r
	}, strings.ToLower(words))
}

var howWords = [...]string{
	HowNot:          "",
	HowHandshake:    "handshake",
	HowSimultaneous: "simultaneous open",
	HowMidstream:    "midstream",
	HowFourWay:      "four-way close",
	HowThreeWay:     "three-segment close",
	HowBothAtOnce:   "simultaneous close",
	HowReset:        "reset",
	HowRefused:      "refused",
	HowUnreachable:  "unreachable",
}

// String returns the words for it: "four-way close", and nothing for HowNot.
func (h How) String() string {
	if int(h) < len(howWords) {
		return howWords[h]
	}
	return ""
}
