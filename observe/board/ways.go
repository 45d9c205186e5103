package board

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"dialtone/observe/explain"
	"dialtone/observe/sockets"
)

// arrowJSON is an arrow as a page gets it.
type arrowJSON struct {
	Pair    [2]int            `json:"pair"`
	Names   [2]string         `json:"names"`
	Kind    explain.Kind      `json:"kind"`
	Cause   string            `json:"cause"`
	Sends   string            `json:"sends"`
	Section string            `json:"section"`
	About   string            `json:"about"`
	Count   uint64            `json:"count"`
	Latest  []json.RawMessage `json:"latest"`
}

func arrowOf(a explain.Arrow) arrowJSON {
	names := [2]string{a.From.String(), a.To.String()}
	return arrowJSON{
		Pair: [2]int{int(a.From), int(a.To)}, Names: names, Kind: a.Kind, Cause: a.Cause, Sends: a.Sends,
		Section: a.Section, About: a.About, Latest: []json.RawMessage{},
	}
}

// serveArrow answers GET arrow?from=N&to=N: why, how often, and the latest ones.
func (b *Board) serveArrow(w http.ResponseWriter, r *http.Request) {
	from, err := strconv.Atoi(r.FormValue("from"))
	to, err2 := strconv.Atoi(r.FormValue("to"))
	if errors.Join(err, err2) != nil || !knownState(from) || !knownState(to) {
		http.Error(w, "no such states", http.StatusNotFound)
		return
	}
	of := pair{sockets.State(from), sockets.State(to)}
	out := arrowOf(explain.Explain(of.from, of.to))
	out.Count = b.view.Snapshot().Moves[from][to]
	for _, e := range b.journal.latestOf(of) {
		out.Latest = append(out.Latest, appendEntry(nil, &e))
	}
	writeJSON(w, out)
}

// serveFirst answers with what a page must know before it begins: all arrows of the figure,
// the names of all states, and what was asked for on the command line.
func (b *Board) serveFirst(w http.ResponseWriter, _ *http.Request) {
	var out struct {
		Filter   string      `json:"filter"`
		Trouble  bool        `json:"trouble"`
		States   []string    `json:"states"` // by number; the first is not known
		Meanings []string    `json:"meanings"`
		Arrows   []arrowJSON `json:"arrows"`
	}
	out.Filter, out.Trouble = b.config.Filter, b.config.Trouble
	out.States, out.Meanings = []string{"unknown"}, []string{""}
	for _, s := range sockets.States() {
		out.Filter, out.Trouble = b.config.Filter, b.config.Trouble
		out.States, out.Meanings = append(out.States, s.String()), append(out.Meanings, explain.Meaning(s))
	}
	for _, a := range explain.Arrows() {
		out.Arrows = append(out.Arrows, arrowOf(a))
	}
	writeJSON(w, out)
}

// knownState reports whether n is a state's number, or 0: not known.
func knownState(n int) bool { return n >= 0 && n <= int(sockets.Connected) }

func writeJSON(w http.ResponseWriter, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(text)
}
