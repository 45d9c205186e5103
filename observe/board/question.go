package board

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"dialtone/observe/grammar"
	"dialtone/observe/sockets"
)

// The bounds of what a page may ask.
const (
	maxStreams = 16              // pages, and connections opened in them, at once
	maxFilter  = 2000            // bytes of a filter
	lookUp     = 5 * time.Second // for names in a filter
)

// enter takes one of so many places, or returns nil.
func enter(places *atomic.Int64, most int64) (leave func()) {
	if places.Add(1) > most {
		places.Add(-1)
		return nil
	}
	return func() { places.Add(-1) }
}

func parseFilter(ctx context.Context, text string) (*sockets.Filter, error) {
	if len(text) > maxFilter {
		return nil, fmt.Errorf("a filter of %d bytes: at most %d", len(text), maxFilter)
	}
	ctx, stop := context.WithTimeout(ctx, lookUp)
	defer stop()
	return sockets.ParseFilter(ctx, text)
}

// wrongFilter says what is wrong with a filter, and where.
func wrongFilter(err error) []byte {
	at, length, text := -1, 0, err.Error()
	var wrong *grammar.Error
	if errors.As(err, &wrong) {
		at, length, text = wrong.Offset, len(wrong.Word), wrong.Rule
		if wrong.Err != nil {
			text += ": " + wrong.Err.Error()
		}
	}
	return fmt.Appendf(nil, `{"text":%s,"at":%d,"length":%d}`, appendText(nil, text), at, length)
}
