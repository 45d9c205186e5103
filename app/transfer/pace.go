package transfer

import (
	"context"

	"golang.org/x/time/rate"
)

// pacer holds content back to a rate. A nil pacer does not.
type pacer struct{ limit *rate.Limiter }

// newPacer returns a pacer for bytesPerSecond, nil for 0. A tenth of a second may
// leave at once.
func newPacer(bytesPerSecond int64) *pacer {
	if bytesPerSecond <= 0 {
		return nil
	}
	burst := int(max(bytesPerSecond/10, 4<<10))
	return &pacer{rate.NewLimiter(rate.Limit(bytesPerSecond), burst)}
}

// part returns how many of n bytes, at most most, are to leave together: what
// waits long is cut, so that the other end hears something all the time.
func (p *pacer) part(n, most int64) int64 {
	if p == nil {
		return min(n, most)
	}
	return min(n, most, int64(p.limit.Burst()))
}

// wait returns when n bytes may leave.
func (p *pacer) wait(ctx context.Context, n int) error {
	if p == nil {
		return nil
	}
	for n > 0 {
		part := min(n, p.limit.Burst())
		if err := p.limit.WaitN(ctx, part); err != nil {
			return err
		}
		n -= part
	}
	return nil
}
