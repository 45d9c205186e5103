package transfer

import "testing"

// TestJudgeNamesWhoHoldsBack: from where both ends spend their time, in
// thousandths.
func TestJudgeNamesWhoHoldsBack(t *testing.T) {
	for _, c := range []struct {
		name          string
		send, receive status
		held          int64
		paced         bool
		want          Limit
	}{
		{"a slow disk to read", status{disk: 800, network: 200}, status{network: 900}, 0, false, LimitReading},
		{"a slow processor to send", status{hash: 700, disk: 100, network: 200}, status{network: 900}, 0, false, LimitSending},
		{"a slow path", status{network: 950}, status{network: 950}, 0, false, LimitNetwork},
		{"a slow disk to write", status{network: 950}, status{disk: 700, network: 200}, 0, false, LimitWriting},
		{"a slow processor to receive", status{network: 950}, status{hash: 700, disk: 100, network: 200}, 0, false, LimitReceiving},
		{"a receiver that lets its window fill", status{network: 950}, status{disk: 300, hash: 100, network: 600}, 900, false, LimitWriting},
		{"a limit that was asked for", status{network: 950}, status{network: 950}, 0, true, LimitRate},
	} {
		if got := judge(c.send, c.receive, c.held, c.paced); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
