package conversation

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// knows looks at one number of the connection's.
type knows struct {
	name     string
	from, to int
	of       func(i Info) int
}

func (k knows) play(p *player, _ *Line) error {
	if got := k.of(p.end.Info()); got < k.from || got > k.to {
		return fmt.Errorf("%s is %d", k.name, got)
	}
	return nil
}

// parseInfo reads NAME VALUE or NAME LOW..HIGH; times are in milliseconds.
func parseInfo(text string) (step, error) {
	name, value, _ := strings.Cut(text, " ")
	of, ok := map[string]func(i Info) int{
		"cwnd":     func(i Info) int { return i.Cwnd },
		"ssthresh": func(i Info) int { return i.Ssthresh },
		"backoff":  func(i Info) int { return i.Backoff },
		"RTO":      func(i Info) int { return int(i.RTO / time.Millisecond) },
		"RTT":      func(i Info) int { return int(i.RTT / time.Millisecond) },
	}[name]
	if !ok {
		return nil, fmt.Errorf("no number is called %q", name)
	}
	low, high, ok := strings.Cut(strings.TrimSpace(value), "..")
	if !ok {
		high = low
	}
	k := knows{name: name, of: of}
	var err error
	if k.from, err = strconv.Atoi(low); err != nil {
		return nil, err
	}
	k.to, err = strconv.Atoi(high)
	return k, err
}
