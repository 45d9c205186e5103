package board

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"dialtone/observe/live"
	"dialtone/observe/sockets"
)

// serveConnection answers GET connection?id=N with what is known of one connection, again
// whenever it changes; its window is sampled as long as somebody reads.
func (b *Board) serveConnection(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseUint(r.FormValue("id"), 10, 64)
	if err != nil {
		http.Error(w, "no such connection", http.StatusNotFound)
		return
	}
	out := newEvents(w)
	release := enter(&b.streams, maxStreams)
	if release == nil {
		out.send("full", nil)
		return
	}
	defer release()
	inspection, err := b.view.Inspect(id)
	if err != nil {
		out.send("wrong", appendText(nil, err.Error()))
		return
	}
	defer inspection.Close()
	if err := b.inspect(r.Context(), out, inspection); errors.Is(err, errEnd) {
		out.send("end", nil)
	}
}

// inspect sends until the page is gone or ctx is done.
func (b *Board) inspect(ctx context.Context, out *events, i *live.Inspection) error {
	var last []byte
	var sampled, sent time.Time
	var since int64
	for {
		news := b.journal.news()
		d := i.Detail()
		if l := b.sheets.now().byID[d.Row.Watched.ID]; l != nil {
			since = l.since
		}
		known := detailOf(&d, since)
		if b.config.Elsewhere {
			known.Trace = ""
		}
		text, err := json.Marshal(known)
		if err != nil {
			return err
		}
		if !bytes.Equal(text, last) || time.Since(sent) > stillThere {
			if err := out.send("connection", text); err != nil {
				return err
			}
			last, sent = text, time.Now()
		}
		if samples := after(d.Samples, sampled); len(samples) > 0 {
			if err := out.send("samples", appendSamples(samples)); err != nil {
				return err
			}
			sampled, sent = samples[len(samples)-1].At, time.Now()
		}
		if err := await(ctx, news); err != nil {
			return err
		}
	}
}

// after returns the samples behind a time.
func after(list []live.Sample, at time.Time) []live.Sample {
	for i := range list {
		if list[i].At.After(at) {
			return list[i:]
		}
	}
	return nil
}

// appendSamples writes samples as arrays: milliseconds, and bytes; microseconds of RTT.
// What is not known is null.
func appendSamples(list []live.Sample) []byte {
	b := []byte{'['}
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		threshold := "null"
		if s.Threshold < sockets.NoThreshold {
			threshold = strconv.FormatUint(uint64(s.Threshold)*uint64(s.MSS), 10)
		}
		b = fmt.Appendf(b, "[%.3f,%d,%s,%d,%d,%d]", float64(s.At.UnixMicro())/1000, uint64(s.Congestion)*uint64(s.MSS), threshold, s.InFlight, s.Peer, s.RTT.Microseconds())
	}
	return append(b, ']')
}
