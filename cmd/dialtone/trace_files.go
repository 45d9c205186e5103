package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"dialtone/app/quantity"
	"dialtone/observe/capture"
	"dialtone/observe/flow"
)

// writing is a sink that writes frames into a pcapng file, with the labels as
// comments.
type writing struct {
	file *os.File
	out  *capture.PcapngWriter
	name string
	n    int64
}

func (t *tracing) writeFile() (*writing, error) {
	file, err := createFile(t.write)
	if err != nil {
		return nil, err
	}
	out, err := capture.NewPcapngWriter(file, "dialtone "+versionText())
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &writing{file: file, out: out, name: t.write}, nil
}

// createFile makes a file for output; - is the standard output.
func createFile(name string) (*os.File, error) {
	if name == "-" {
		return os.Stdout, nil
	}
	return os.Create(name)
}

func (w *writing) Event(e *flow.Event) error {
	var notes []string
	if e.Packet.Comment != "" {
		notes = append(notes, e.Packet.Comment)
	}
	for _, f := range e.Findings {
		text := f.Label.String()
		if f.Frame != e.Packet.Number {
			text = fmt.Sprintf("frame %d: %s", f.Frame, text)
		}
		notes = append(notes, text+": "+f.Why())
	}
	r := *e.Packet.Record
	r.Comment = strings.Join(notes, "\n")
	return w.record(&r)
}

func (w *writing) Frame(p *capture.Packet) error { return w.record(p.Record) }

func (w *writing) record(r *capture.Record) error {
	w.n++
	return w.out.Write(r)
}

func (w *writing) End(*flow.Conversation) error { return nil }

func (w *writing) finish() error {
	err := errors.Join(w.out.Flush(), closeFile(w.file))
	if err == nil && w.file != os.Stdout {
		fmt.Fprintf(os.Stderr, "wrote %s to %s\n", quantity.CountOf(w.n, "frame"), oneLine(w.name))
	}
	return err
}

func closeFile(f *os.File) error {
	if f == os.Stdout {
		return nil
	}
	return f.Close()
}
