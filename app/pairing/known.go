package pairing

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A KnownPeer is one whose key is pinned.
type KnownPeer struct {
	Fingerprint Fingerprint
	Name        string    // what it called itself, "" for nothing
	Since       time.Time // when it was pinned
	Addr        string    // where it was last, "" for not known
}

// KnownPeers is a file of pinned keys, one a line:
//
//	fingerprint  name  since  last-address
//
// Fields are separated by blanks, and quoted as in Go where they hold blanks or
// nothing; since is RFC 3339. Blank lines and lines that begin with # are comments,
// which stay.
//
// The file is read for each question, so that a key that was forgotten counts no
// more from then on, and rewritten whole, under a lock. Methods may be called from
// several goroutines.
type KnownPeers struct{ file string }

// OpenKnownPeers returns the known peers of the given file, which need not exist.
// It fails if there is a line that makes no sense.
func OpenKnownPeers(file string) (*KnownPeers, error) {
	k := &KnownPeers{file: file}
	_, err := k.List()
	return k, err
}

// List returns the peers in the order of the file.
func (k *KnownPeers) List() ([]KnownPeer, error) {
	lines, err := k.read()
	if err != nil {
		return nil, err
	}
	var list []KnownPeer
	for _, l := range lines {
		if l.peer != nil {
			list = append(list, *l.peer)
		}
	}
	return list, nil
}

// Lookup returns the peer with the given key.
func (k *KnownPeers) Lookup(f Fingerprint) (KnownPeer, bool, error) {
	return k.find(func(p KnownPeer) bool { return p.Fingerprint == f })
}

func (k *KnownPeers) find(is func(KnownPeer) bool) (KnownPeer, bool, error) {
	list, err := k.List()
	if i := slices.IndexFunc(list, is); i >= 0 {
		return list[i], true, nil
	}
	return KnownPeer{}, false, err
}

// verify returns the name that a pinned key has here. For a key that is not pinned,
// but whose bearer's name is, the error is a *ChangedKeyError.
func (k *KnownPeers) verify(f Fingerprint, name string) (pinned string, err error) {
	p, ok, err := k.Lookup(f)
	if ok || err != nil {
		return p.Name, err
	}
	return "", k.changed(f, name)
}

// changed returns a *ChangedKeyError if name is pinned with another key than f,
// ErrUnknownPeer otherwise.
func (k *KnownPeers) changed(f Fingerprint, name string) error {
	p, ok, err := k.find(func(p KnownPeer) bool { return p.Name == name && name != "" })
	switch {
	case err != nil:
		return err
	case ok:
		return &ChangedKeyError{Name: name, Pinned: p.Fingerprint, Now: f}
	}
	return ErrUnknownPeer
}

// Pin adds a peer, or brings up to date what is written of its key, where that is
// not the same. A name that is pinned with another key is a *ChangedKeyError.
func (k *KnownPeers) Pin(p KnownPeer) error {
	if p.Fingerprint.IsZero() {
		return errors.New("pairing: pin a peer: it has no key")
	}
	p.Name = cleanName(p.Name)
	if old, ok, err := k.Lookup(p.Fingerprint); err != nil || (ok && old.Name == p.Name && old.Addr == p.Addr) {
		return err
	}
	return k.rewrite(func(lines []knownLine) ([]knownLine, error) {
		at := -1
		for i, l := range lines {
			switch {
			case l.peer == nil:
			case l.peer.Fingerprint == p.Fingerprint:
				at = i
			case l.peer.Name == p.Name && p.Name != "":
				return nil, &ChangedKeyError{Name: p.Name, Pinned: l.peer.Fingerprint, Now: p.Fingerprint}
			}
		}
		if at < 0 {
			return append(lines, knownLine{peer: &p}), nil
		}
		p.Since = lines[at].peer.Since
		lines[at] = knownLine{peer: &p}
		return lines, nil
	})
}

// Forget removes the peers with the given name or fingerprint and returns them:
// perhaps none.
func (k *KnownPeers) Forget(nameOrFingerprint string) (gone []KnownPeer, err error) {
	err = k.rewrite(func(lines []knownLine) ([]knownLine, error) {
		return slices.DeleteFunc(lines, func(l knownLine) bool {
			if l.peer == nil || (l.peer.Name != nameOrFingerprint && l.peer.Fingerprint.String() != nameOrFingerprint) {
				return false
			}
			gone = append(gone, *l.peer)
			return true
		}), nil
	})
	return gone, err
}

// A knownLine is a peer or, without one, a comment as it stands.
type knownLine struct {
	peer *KnownPeer
	text string
}

func (k *KnownPeers) read() ([]knownLine, error) {
	text, err := os.ReadFile(k.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("pairing: read the known peers: %w", err)
	}
	return parseKnown(k.file, text)
}

func parseKnown(file string, text []byte) (lines []knownLine, err error) {
	if len(text) == 0 {
		return nil, nil
	}
	for n, l := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		if trimmed := strings.TrimSpace(l); trimmed == "" || trimmed[0] == '#' {
			lines = append(lines, knownLine{text: l})
			continue
		}
		p, err := parsePeer(l)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, n+1, err)
		}
		lines = append(lines, knownLine{peer: &p})
	}
	return lines, nil
}

func parsePeer(line string) (p KnownPeer, err error) {
	words, err := splitQuoted(line)
	if err != nil {
		return p, err
	}
	if len(words) != 4 {
		return p, fmt.Errorf("%d fields where fingerprint, name, since and last address were due", len(words))
	}
	if p.Fingerprint, err = ParseFingerprint(words[0]); err != nil {
		return p, err
	}
	if p.Name = words[1]; p.Name != cleanName(p.Name) {
		return p, fmt.Errorf("the name %q cannot be printed", p.Name)
	}
	if p.Since, err = time.Parse(time.RFC3339, words[2]); err != nil {
		return p, err
	}
	p.Addr = words[3]
	return p, nil
}

// splitQuoted splits at blanks outside Go's quotes.
func splitQuoted(line string) (words []string, err error) {
	for {
		if line = strings.TrimLeft(line, " \t\r"); line == "" {
			return words, nil
		}
		if line[0] != '"' {
			end := strings.IndexAny(line, " \t\r")
			if end < 0 {
				end = len(line)
			}
			words, line = append(words, line[:end]), line[end:]
			continue
		}
		quoted, err := strconv.QuotedPrefix(line)
		if err != nil {
			return nil, errors.New("a quote without its end")
		}
		word, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, err
		}
		words, line = append(words, word), line[len(quoted):]
	}
}

func (l knownLine) String() string {
	if l.peer == nil {
		return l.text
	}
	return strings.Join([]string{
		l.peer.Fingerprint.String(), quoteWord(l.peer.Name),
		l.peer.Since.UTC().Format(time.RFC3339), quoteWord(l.peer.Addr),
	}, "  ")
}

// quoteWord quotes what would not come back as one word.
func quoteWord(s string) string {
	if q := strconv.Quote(s); s == "" || strings.ContainsRune(s, ' ') || len(q) != len(s)+2 {
		return q
	}
	return s
}

func (k *KnownPeers) rewrite(change func([]knownLine) ([]knownLine, error)) error {
	if err := os.MkdirAll(filepath.Dir(k.file), 0o700); err != nil {
		return fmt.Errorf("pairing: write the known peers: %w", err)
	}
	unlock, err := lock(k.file + ".lock")
	if err != nil {
		return err
	}
	defer unlock()
	lines, err := k.read()
	if err != nil {
		return err
	}
	if lines, err = change(lines); err != nil {
		return err
	}
	var text bytes.Buffer
	for _, l := range lines {
		fmt.Fprintln(&text, l)
	}
	return replaceFile(k.file, text.Bytes())
}
