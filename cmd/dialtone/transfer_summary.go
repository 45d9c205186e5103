package main

import (
	"errors"
	"fmt"
	"time"

	"dialtone/app/digest"
	"dialtone/app/quantity"
	"dialtone/app/transfer"
)

// tally is what a report remembers of the events until the end. Its memory is
// bounded, however many there are.
type tally struct {
	only    string // the path of the only file that arrived
	arrived int64
	notices int64
	resumed int64 // bytes kept from an earlier run
	would   int64
	bytes   int64 // that a dry run would send
}

func (t *tally) add(e transfer.Event) {
	switch e.Kind {
	case transfer.EventDone:
		t.arrived++
		t.resumed += e.Resumed
		t.only = finalPath(e)
	case transfer.EventNotice:
		t.notices++
	case transfer.EventWould:
		t.would++
		t.bytes += e.Bytes
	}
}

// finalPath is where an entry was stored.
func finalPath(e transfer.Event) string {
	if e.Final != "" {
		return e.Final
	}
	return e.Path
}

// maxFailures is how many failures the summary lists.
const maxFailures = 10

// summaryLines say what a transfer came to. done is the verb's past: sent or received.
func summaryLines(done string, s transfer.Summary, t tally, err error) (lines []string) {
	lines = append(lines, headline(done, s, t))
	add := func(label, format string, args ...any) {
		lines = append(lines, fmt.Sprintf("  %-12s", label)+fmt.Sprintf(format, args...))
	}
	if s.Sum != (digest.Sum{}) && s.Files == 1 {
		add("BLAKE3", "%s", s.Sum)
	}
	if saved := s.Sent - s.Compressed; s.Sent > 0 && saved > 0 {
		add("on the wire", "%s; compression saved %s%s", quantity.Bytes(s.Wire), quantity.Bytes(saved), about(s, saved))
	} else if s.Wire > 0 {
		add("on the wire", "%s", quantity.Bytes(s.Wire))
	}
	if s.Skipped > 0 {
		there := max(0, s.SkippedBytes-t.resumed)
		add("skipped", "%s, %s%s", quantity.CountOf(s.Skipped, "file"), quantity.Bytes(there), about(s, there))
	}
	if t.resumed > 0 {
		add("resumed", "%s kept from an earlier run%s", quantity.Bytes(t.resumed), about(s, t.resumed))
	}
	if s.Repaired > 0 {
		add("repaired", "%s that arrived damaged, sent again", quantity.CountOf(s.Repaired, "chunk"))
	}
	if t.notices > 0 {
		add("noted", "%s, see above", quantity.CountOf(t.notices, "thing"))
	}
	return append(lines, failureLines(s, err)...)
}

// headline is the first line of a summary.
func headline(done string, s transfer.Summary, t tally) string {
	what := quantity.CountOf(s.Files, "file")
	if s.Files == 0 && s.Links == 0 && s.Skipped > 0 && s.Failed == 0 {
		return fmt.Sprintf("%s nothing: it is there already", done)
	}
	if s.Files == 1 && t.arrived == 1 {
		what = nameText(t.only, 60)
	}
	if s.Folders > 0 {
		what += fmt.Sprintf(" in %s", quantity.CountOf(s.Folders, "folder"))
	}
	if s.Links > 0 {
		what += fmt.Sprintf(" and %s", quantity.CountOf(s.Links, "link"))
	}
	line := fmt.Sprintf("%s %s, %s in %s", done, what, quantity.Bytes(s.Bytes), tookText(s.Elapsed))
	if moved := s.Bytes - t.resumed; moved >= 1e6 || moved > 0 && s.Elapsed > time.Second {
		line += ", " + rateText(float64(moved)/s.Elapsed.Seconds())
	}
	return line
}

// about estimates the time that bytes would have taken at this transfer's pace.
func about(s transfer.Summary, bytes int64) string {
	if s.Compressed <= 0 || s.Elapsed <= 0 {
		return ""
	}
	saved := time.Duration(float64(s.Elapsed) * float64(bytes) / float64(s.Compressed))
	if saved < time.Second {
		return ""
	}
	return ", about " + tookText(saved) + " less"
}

// failureLines name what did not arrive, unless the error of the verb does.
func failureLines(s transfer.Summary, err error) (lines []string) {
	var failed *transfer.FailedError
	if s.Failed == 0 || errors.As(err, &failed) && failed.Count == 1 {
		return nil
	}
	lines = append(lines, fmt.Sprintf("  %-12s%s", "failed", quantity.CountOf(s.Failed, "entry")))
	for i, f := range s.Failures {
		if i == maxFailures {
			break
		}
		lines = append(lines, "    "+oneLine(f.String()))
	}
	if more := s.Failed - int64(min(maxFailures, len(s.Failures))); more > 0 {
		lines = append(lines, fmt.Sprintf("    and %s more; --json names all", quantity.Count(more)))
	}
	return lines
}

// closingLines end a report: what it came to, or what is left after it broke off.
func closingLines(done string, s transfer.Summary, t tally, err error) []string {
	var failed *transfer.FailedError
	switch {
	case err == nil && t.would > 0 || errors.As(err, &failed) && t.would > 0:
		return []string{fmt.Sprintf("dry run: %s, %s would be %s", quantity.CountOf(t.would, "file"), quantity.Bytes(t.bytes), done)}
	case err == nil, errors.As(err, &failed):
		return summaryLines(done, s, t, err)
	case s.Files > 0 || s.Bytes > 0:
		return []string{fmt.Sprintf("broken off after %s, %s", quantity.CountOf(s.Files, "file"), quantity.Bytes(s.Bytes))}
	}
	return nil
}
