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

	"dialtone/observe/explain"
	"dialtone/observe/live"
	"dialtone/observe/sockets"
)

// detail is one connection as a page that has opened it gets it.
type detail struct {
	State     string            `json:"state"`
	Network   string            `json:"network"`
	Local     string            `json:"local"`
	Remote    string            `json:"remote"`
	Gone      bool              `json:"gone"`
	Since     int64             `json:"since"` // milliseconds since 1970
	Exact     bool              `json:"exact"`
	Trace     string            `json:"trace"` // the command that shows its packets; "" for none
	Findings  []finding         `json:"findings"`
	Groups    []group           `json:"groups"`
	History   []json.RawMessage `json:"history"`
	Earlier   int               `json:"earlier"`
	Sampled   string            `json:"sampled"`
	Connected bool              `json:"connected"` // it has, or had, a window
}

type finding struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

type group struct {
	Title   string      `json:"title"`
	Figures [][3]string `json:"figures"` // name, text, about
}

func detailOf(d *live.Detail, since int64) *detail {
	s := &d.Row.Socket
	_, exact := s.Age()
	out := &detail{
		State: s.State.String(), Network: s.Network, Local: visible(localOf(s)), Remote: visible(remoteOf(s)), Gone: !d.Row.Closed.IsZero(), Since: since, Exact: exact,
		Findings: []finding{}, Groups: []group{}, History: []json.RawMessage{}, Earlier: d.Earlier, Trace: traceOf(s),
		Connected: s.Network == "tcp" && s.Remote.IsValid(),
	}
	for _, f := range d.Row.Findings {
		out.Findings = append(out.Findings, finding{f.Name, visible(f.Text)})
	}
	for _, g := range explain.Figures(s) {
		figures := make([][3]string, len(g.Figures))
		for i, f := range g.Figures {
			figures[i] = [3]string{f.Name, visible(f.Text), f.About}
		}
		out.Groups = append(out.Groups, group{g.Title, figures})
	}
	for _, t := range d.History {
		out.History = append(out.History, appendEntry(nil, &entry{0, t}))
	}
	if d.Sampled.Name != "" {
		out.Sampled = d.Sampled.Name + ": " + d.Sampled.About
	}
	if d.Err != nil {
		out.Sampled = "no more samples: " + visible(d.Err.Error())
	}
	return out
}

// traceOf is the command that shows the packets of s.
func traceOf(s *sockets.Socket) string {
	if s.Network != "tcp" && s.Network != "udp" || !s.Remote.IsValid() || s.Remote.Addr().Zone() != "" {
		return ""
	}
	return fmt.Sprintf("dialtone trace -i any %s port %d and port %d and host %s", s.Network, s.Local.Port(), s.Remote.Port(), s.Remote.Addr().Unmap())
}

// serveConnection answers GET connection?id=N with what is known of one connection, again
// whenever it changes; its window is sampled as long as somebody reads.
func (b *Board) serveConnection(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseUint(r.FormValue("id"), 10, 64)
	if err != nil {
		http.Error(w, "no such connection", http.StatusNotFound)
		return
	}
	release := enter(&b.streams, maxStreams)
	if release == nil {
		http.Error(w, "too many pages look at once: close one", http.StatusServiceUnavailable)
		return
	}
	defer release()
	out := newEvents(w)
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
		text, err := json.Marshal(detailOf(&d, since))
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
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pace):
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-news:
		case <-time.After(stillThere):
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
