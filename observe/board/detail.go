package board

import (
	"encoding/json"
	"fmt"

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
	Text   string      `json:"text"`
	Behind [][3]string `json:"behind"` // the figures that it rests on, as in group
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
		out.Findings = append(out.Findings, finding{visible(f.Text), figuresJSON(explain.Behind(f))})
	}
	for _, g := range explain.Figures(s) {
		out.Groups = append(out.Groups, group{g.Title, figuresJSON(g.Figures)})
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

func figuresJSON(list []explain.Figure) [][3]string {
	out := make([][3]string, len(list))
	for i, f := range list {
		out[i] = [3]string{f.Name, visible(f.Text), f.About}
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
