package pairing

import (
	"fmt"
	"sync"
)

// tries keeps a code and counts how often it was guessed wrong.
type tries struct {
	burnt chan struct{} // holds one when the code has burnt

	mu    sync.Mutex
	code  string
	round int // of SetCode
	most  int
	wrong int
}

func newTries(code string, most int) *tries {
	return &tries{burnt: make(chan struct{}, 1), code: code, most: most}
}

// set puts a new code in place, "" for none. The same code again is no new one: it
// keeps its count, and stays burnt.
func (t *tries) set(code string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if code == t.code {
		return
	}
	t.code, t.wrong = code, 0
	t.round++
	select {
	case <-t.burnt:
	default:
	}
}

// current returns the code to check against and its round, or why there is none.
func (t *tries) current() (code string, round int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.burntLocked() {
		return "", t.round, ErrBurned
	}
	return t.code, t.round, nil
}

func (t *tries) burntLocked() bool { return t.wrong >= t.most }

// judge counts a try that began in the given round. All tries go through here one
// by one, before they are answered: of many at once no more than most are judged.
func (t *tries) judge(round int, right bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case round != t.round:
		return ErrWrongCode // it was right or wrong for a code that is gone
	case t.burntLocked():
		return ErrBurned
	case right:
		return nil
	}
	if t.wrong++; t.burntLocked() {
		return errLastTry
	}
	return ErrWrongCode
}

// errLastTry is the wrong code that burns the right one.
var errLastTry = fmt.Errorf("%w", ErrWrongCode)

// over says that who made the last try has its answer: the listener may close now,
// and takes nobody's answer away.
func (t *tries) over() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.burntLocked() {
		return // there is another code by now
	}
	select {
	case t.burnt <- struct{}{}:
	default: // said already
	}
}
