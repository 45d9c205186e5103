package pairing

import (
	"errors"
	"testing"
)

func TestTheSameCodeAgainGivesNoNewTries(t *testing.T) {
	l := newTries("7-copper-lantern", 3)
	for range 3 {
		l.set("7-copper-lantern")
		_, round, _ := l.current()
		l.judge(round, false)
	}
	l.set("7-copper-lantern")
	if _, _, err := l.current(); !errors.Is(err, ErrBurned) {
		t.Errorf("after three wrong tries: %v", err)
	}
	l.set("8-copper-lantern")
	if code, _, err := l.current(); code != "8-copper-lantern" || err != nil {
		t.Errorf("a new code: %q, %v", code, err)
	}
}
