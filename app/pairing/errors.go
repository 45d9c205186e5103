package pairing

import (
	"errors"
	"fmt"
)

var (
	// ErrWrongCode says that the ends have not the same code, or that somebody sits
	// between them.
	ErrWrongCode = errors.New("the code is wrong")
	// ErrBurned says that the code does not count any more: it was guessed wrong too
	// often.
	ErrBurned = errors.New("the code is burnt after too many wrong tries: a new one is needed")
	// ErrCodeWanted says that the end that listens wants a code, and none was given.
	ErrCodeWanted = errors.New("the other end wants a code")
	// ErrNotWanted says that the ends have no way in common to know each other.
	ErrNotWanted = errors.New("the other end accepts none of what this end has to show")
	// ErrUnknownPeer says that a key is not pinned, and no code was given instead.
	ErrUnknownPeer = errors.New("the key is not known: give a code once")
	// ErrNeedsTLS says that one end wants TLS and the other none.
	ErrNeedsTLS = errors.New("the other end wants TLS")
	// ErrPlain says that the end that listens has no TLS.
	ErrPlain = errors.New("the other end speaks no TLS")
	// ErrForeign says that the other end does not speak this protocol.
	ErrForeign = errors.New("the other end speaks neither TLS nor this protocol")
	// ErrVersion says that the ends have no version of the protocol in common.
	ErrVersion = errors.New("the other end speaks another version of the protocol")
	// ErrBusy says that the end that listens takes no further session, or not now.
	ErrBusy = errors.New("the other end takes no further session now")
	// ErrJoin says that a further connection belongs to no open session.
	ErrJoin = errors.New("there is no such session to join")
	// ErrNoStreams says that a session cannot have further connections, or no more.
	ErrNoStreams = errors.New("pairing: no further connections in this session")
	// ErrProtocol says that the other end broke the rules of the protocol.
	ErrProtocol = errors.New("the other end broke the protocol")
)

// A ChangedKeyError says that a peer's name is pinned with another key than it
// has now: it was set up anew, or somebody takes its place.
type ChangedKeyError struct {
	Name        string
	Pinned, Now Fingerprint
}

func (e *ChangedKeyError) Error() string {
	return fmt.Sprintf("the key of %q has changed from %v to %v: somebody may be in its place; if it was set up anew, forget the old key first", e.Name, e.Pinned, e.Now)
}

// Is makes a changed key an unknown one.
func (e *ChangedKeyError) Is(target error) bool { return target == ErrUnknownPeer }

// A strangerError is why an end that has proved nothing is refused. Which names
// are pinned here is not for it to know: on the wire a changed key is an unknown one.
type strangerError struct{ error }

func (e *strangerError) Unwrap() error { return e.error }

// A reason is what a refusal says on the wire, and nothing else.
type reason byte

const (
	forWrongCode reason = iota + 1
	forBurned
	forMethod
	forKey
	forChangedKey
	forVersion
	forBusy
	forTLS
	forJoin
	forProtocol
	forPlain
)

// errTLSHere is what the end without TLS says of one with.
var errTLSHere = errors.New("the other end wants TLS, this end has none")

// errNoCode is what the end that listens says of one that gives no code.
var errNoCode = fmt.Errorf("it gave no code: %w", ErrNotWanted)

// errPeerKey is how an end learns that the other does not know its key.
var errPeerKey = fmt.Errorf("the other end does not know this machine's key: %w", ErrUnknownPeer)

// reasonOf returns what the other end is told of err.
func reasonOf(err error) reason {
	var changed *ChangedKeyError
	var stranger *strangerError
	switch {
	case err == errTLSHere:
		return forPlain
	case errors.As(err, &changed) && !errors.As(err, &stranger):
		return forChangedKey
	case errors.Is(err, ErrWrongCode):
		return forWrongCode
	case errors.Is(err, ErrBurned):
		return forBurned
	case errors.Is(err, ErrNotWanted), errors.Is(err, ErrCodeWanted):
		return forMethod
	case errors.Is(err, ErrUnknownPeer):
		return forKey
	case errors.Is(err, ErrVersion):
		return forVersion
	case errors.Is(err, ErrBusy):
		return forBusy
	case errors.Is(err, ErrNeedsTLS):
		return forTLS
	case errors.Is(err, ErrJoin):
		return forJoin
	}
	return forProtocol
}

// refusal returns the error for the other end's reason. wants are the methods that
// it would have accepted.
func refusal(r reason, wants []byte) error {
	switch r {
	case forWrongCode:
		return ErrWrongCode
	case forBurned:
		return ErrBurned
	case forMethod:
		if len(wants) > 0 && method(wants[0]) == byCode {
			return ErrCodeWanted
		}
		return ErrNotWanted
	case forKey:
		return errPeerKey
	case forChangedKey:
		return fmt.Errorf("the other end has another key pinned for this machine's name: %w", ErrUnknownPeer)
	case forVersion:
		return ErrVersion
	case forBusy:
		return ErrBusy
	case forTLS:
		return ErrNeedsTLS
	case forPlain:
		return ErrPlain
	case forJoin:
		return ErrJoin
	}
	return fmt.Errorf("refused: %w", ErrProtocol)
}

func broken(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrProtocol, fmt.Sprintf(format, args...))
}
