package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

func TestInterruptibleGivesEverything(t *testing.T) {
	want := make([]byte, 5*readAhead/2)
	io.ReadFull(randomOf("input"), want)
	for name, r := range map[string]io.Reader{
		"whole": bytes.NewReader(want), "halves": iotest.HalfReader(bytes.NewReader(want)),
		"with the end": iotest.DataErrReader(bytes.NewReader(want)),
	} {
		got, err := io.ReadAll(newInterruptible(t.Context(), r))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	broken := errors.New("broken")
	in := newInterruptible(t.Context(), io.MultiReader(bytes.NewReader([]byte("some")), iotest.ErrReader(broken)))
	got, err := io.ReadAll(in)
	if string(got) != "some" || !errors.Is(err, broken) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestInterruptibleEndsWhileTheWriterIsSilent(t *testing.T) {
	silent, writer := io.Pipe()
	defer writer.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	in := newInterruptible(ctx, silent)
	go cancel(errInterrupted)
	if _, err := in.Read(make([]byte, 1)); !errors.Is(err, errInterrupted) {
		t.Errorf("Read returned %v", err)
	}
}
