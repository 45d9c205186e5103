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
