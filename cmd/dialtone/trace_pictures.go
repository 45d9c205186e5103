package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"dialtone/observe/ladder"
)

// outputs are the flags that name a file to write, with the files.
func (f *traceFlags) outputs() (flags, files []string) {
	for _, o := range [...][2]string{{"--write", f.write}, {"--svg", f.svg}, {"--html", f.html}} {
		if o[1] != "" {
			flags, files = append(flags, o[0]), append(files, o[1])
		}
	}
	return flags, files
}

// checkOutputs finds outputs that are in each other's way. shown are the flags that
// say what stands on the standard output.
func (f *traceFlags) checkOutputs(shown []string) error {
	if f.json {
		shown = append(shown, "--json")
	}
	flags, files := f.outputs()
	for i, file := range files {
		switch k := slices.Index(files, file); {
		case f.layers != 0 || f.follow:
			return usage("leave one of them out", "%s and %s are different things to show", shown[0], flags[i])
		case k < i:
			return usage("name two files", "%s and %s would write the same file %s", flags[k], flags[i], file)
		case file == "-" && len(shown) > 0:
			return usage("name a file", "%s - and %s would both write to the standard output", flags[i], shown[0])
		}
	}
	return nil
}

// spares finds an output that would replace the capture which is read.
func (f *traceFlags) spares(capture string) error {
	from, err := os.Stat(capture)
	if err != nil {
		return nil // it is not there, or is -: what opens it says so
	}
	flags, files := f.outputs()
	for i, file := range files {
		if to, err := os.Stat(file); err == nil && to.Mode().IsRegular() && os.SameFile(from, to) {
			return usage("name another file", "%s %s would overwrite the capture", flags[i], file)
		}
	}
	return nil
}

// pictures writes what --svg and --html ask for.
func (t *tracing) pictures(talks []*ladder.Talk) error {
	if len(talks) == 0 {
		return withHint(errors.New("there is no conversation to draw"), "dialtone trace --list shows those that there are")
	}
	if t.html != "" {
		if err := writePicture(t.html, func(w io.Writer) error { return ladder.WriteHTML(w, talks) }); err != nil {
			return err
		}
	}
	if t.svg == "" {
		return nil
	}
	if len(talks) > 1 {
		fmt.Fprintf(os.Stderr, "the picture shows conversation %d of %d: choose one with the filter word stream\n", talks[0].ID, len(talks))
	}
	return writePicture(t.svg, func(w io.Writer) error { return ladder.WriteSVG(w, talks[0]) })
}

// writePicture writes a file whole or not at all; - is the standard output. What is
// no file, such as a pipe, is written to and not replaced.
func writePicture(name string, write func(io.Writer) error) error {
	if name == "-" {
		return write(os.Stdout)
	}
	if at, err := os.Stat(name); err == nil && !at.Mode().IsRegular() {
		return writeInto(name, os.O_WRONLY, write)
	}
	goal := name
	if at, err := filepath.EvalSymlinks(name); err == nil {
		goal = at // the link stays
	}
	part := fmt.Sprintf("%s.%d.part", goal, os.Getpid())
	err := writeInto(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, write)
	if err == nil {
		err = os.Rename(part, goal)
	}
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", name, cause(err))
	}
	fmt.Fprintln(os.Stderr, "wrote", oneLine(name))
	return nil
}

// writeInto opens a file, writes and closes it. A new one that cannot be written to
// its end is taken away again.
func writeInto(name string, how int, write func(io.Writer) error) error {
	file, err := os.OpenFile(name, how, 0o666)
	if err != nil {
		return err
	}
	err = errors.Join(write(file), file.Close())
	if err != nil && how&os.O_EXCL != 0 {
		_ = os.Remove(name) // what is left of it is said by err
	}
	return err
}

// cause is what went wrong with a file, without the name, which is that of the part.
func cause(err error) error {
	var path *os.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}
