package sockets

import "testing"

func TestStatesAreReadAsTheyAreWritten(t *testing.T) {
	for _, s := range append(States(), 0) {
		text, _ := s.MarshalText()
		var back State
		if err := back.UnmarshalText(text); err != nil || back != s {
			t.Errorf("%s is read as %s: %v", text, back, err)
		}
	}
	if err := new(State).UnmarshalText([]byte("OPEN")); err == nil {
		t.Error("OPEN is read as a state")
	}
}
