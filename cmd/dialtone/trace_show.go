package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"dialtone/app/quantity"
	"dialtone/observe/capture"
	"dialtone/observe/flow"
	"dialtone/observe/ladder"
)

// localZone is where times of day are: the machine's zone, or UTC where that is
// not known.
func localZone() *time.Location { return time.Local }

// sinks are what the flags ask for beside ladders, or none. finish writes what is
// written at the end.
func (t *tracing) sinks(archive capture.Archive) (sinks []ladder.Sink, finish func() error, err error) {
	var ends []func() error
	add := func(s ladder.Sink, end func() error) { sinks, ends = append(sinks, s), append(ends, end) }
	switch {
	case t.json:
		j := ladder.NewJSON(t.stdout, t.style.Live)
		if t.list {
			add(onlyEnds{j}, j.Flush)
		} else {
			add(j, j.Flush)
		}
	case t.list:
		l := &lister{style: t.style, out: t.stdout}
		add(l, l.finish)
	}
	if t.write != "" {
		w, err := t.writeFile()
		if err != nil {
			return nil, nil, err
		}
		add(w, w.finish)
	}
	if t.svg != "" || t.html != "" {
		c := ladder.NewCollector(archive, 0)
		add(c, func() error { return t.pictures(c.Talks()) })
	}
	return sinks, func() error {
		var all error
		for _, end := range ends {
			all = errors.Join(all, end())
		}
		return all
	}, nil
}

// onlyEnds is a sink that leaves out what happens before the end.
type onlyEnds struct{ ladder.Sink }

func (onlyEnds) Event(*flow.Event) error     { return nil }
func (onlyEnds) Frame(*capture.Packet) error { return nil }

// maxListed bounds a table.
const maxListed = 1 << 17

// lister is a sink that writes a table in the end.
type lister struct {
	onlyEnds
	style ladder.Style
	out   io.Writer
	talks []flow.Conversation
	left  int64
}

func (l *lister) End(c *flow.Conversation) error {
	if len(l.talks) >= maxListed {
		l.left++
		return nil
	}
	l.talks = append(l.talks, *c)
	return nil
}

func (l *lister) finish() error {
	if len(l.talks) == 0 {
		return nil
	}
	if err := ladder.WriteList(l.out, l.talks, l.style); err != nil {
		return err
	}
	if l.left > 0 {
		fmt.Fprintf(os.Stderr, "%s more are not listed: a filter shows fewer\n", quantity.CountOf(l.left, "conversation"))
	}
	return nil
}

// showLayers draws one frame.
func (t *tracing) showLayers(source capture.Source) error {
	for last := int64(0); ; last++ {
		r, err := source.Next()
		if err == io.EOF {
			return withHint(fmt.Errorf("there is no frame %d: the capture has %d", t.layers, last), "the ladder shows each frame's number in its first column")
		}
		if err != nil {
			return err
		}
		if r.Number < t.layers {
			continue
		}
		var p capture.Packet
		capture.Decode(r, &p)
		p.Verify()
		return ladder.WriteLayers(t.stdout, &p, t.style)
	}
}
