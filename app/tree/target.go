package tree

import (
	"container/list"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
)

// Conflict is what happens to an entry whose name is taken by something else.
type Conflict uint8

const (
	KeepBoth  Conflict = iota // the newcomer is called "name (2).ext"
	Overwrite                 // it replaces what is there, except a folder
	Skip                      // it is left out
	Fail                      // it is an error
)

// Verdict is what the target says to an entry.
type Verdict uint8

const (
	Done    Verdict = iota + 1 // nothing more is needed: a folder entered or left, a symbolic or hard link made
	Have                       // it is there already
	Want                       // its content is needed: see Incoming
	Compare                    // the same size is there: Hash and Resolve decide
	Later                      // a Link whose File is not finished: Commit(0, done) tells when it is made
	Skipped                    // not wanted, because of OnConflict
	Refused                    // the error says why
)

func (v Verdict) String() string {
	names := [...]string{"none", "done", "have", "want", "compare", "later", "skipped", "refused"}
	if int(v) < len(names) {
		return names[v]
	}
	return fmt.Sprintf("verdict %d", v)
}

// Errors that say what stood in the way.
var (
	errNotFolder  = errors.New("it is not a folder")
	errNotFile    = errors.New("it is not a regular file")
	errReplaced   = errors.New("somebody else replaced it meanwhile")
	errLocked     = errors.New("another receiver is writing it")
	errNotTaken   = errors.New("not taken from another machine")
	errEnded      = errors.New("it has ended")
	errFolderHere = errors.New("a folder is in the way")
)

// ErrConflict is in the error of an entry whose name is taken when OnConflict is
// Fail.
var ErrConflict = errors.New("something else has its name")

// TargetOptions say how a tree is written. The zero value is safe.
type TargetOptions struct {
	OnConflict Conflict // default KeepBoth
	NoSync     bool     // leave writing to the disk to the kernel: a crash of the machine may lose what was done
	KeepFree   int64    // bytes to leave free on the file system; 0 means 64 MiB, negative none
	MaxPath    int      // bytes in a path; 0 means 4096
	MaxDepth   int      // elements in a path; 0 means 1024
	Compare    bool     // same size and time are not enough to have a file: compare its content
	XAttrs     bool     // keep extended attributes (user.* and access control lists; Linux)
	DryRun     bool     // verdicts only, nothing is written
	Rename     string   // a name for the one File that comes; more entries are then refused

	// Notice, when not nil, is told what of an entry could not be kept or should
	// be known: lost attributes, modes or times, a link that leads outside. Calls
	// come from several goroutines, one at a time.
	Notice func(path, what string)
}

// Target writes a tree into a folder. Nothing that arrives leaves the folder,
// whatever its names say and whatever others do in the folder meanwhile: every
// operation is on one name in an open folder and follows no symbolic link.
//
// What is being received has a hidden name (".dialtone-….part", and ".journal"
// for what of it is verified) beside its final one. What an interruption leaves
// behind is taken up or replaced when the same name comes again.
//
// A folder that is there already is merged into. Its mode and time, and those of
// a new one, are set when it was left and everything in it is finished.
type Target struct {
	dir     string
	o       TargetOptions
	space   *space
	traits  traits
	boot    string
	inline  bool // no syncs, so no reason to put commits together
	maxOpen int  // folders
	budget  int  // files held open by what waits: resumed partials, the group to be committed

	stack         []*folder // Begin's: the innermost folder last
	renamed       bool      // Begin's: the entry for Rename has come
	precisionSaid bool      // Begin's
	noUnnamed     atomic.Bool
	resumed       atomic.Int64

	mu     sync.Mutex
	open   list.List            // of *folder, with a handle, used longest ago first
	going  map[string]*Incoming // by path in the manifest
	past   past
	closed bool

	queue      chan *Incoming
	background sync.WaitGroup // committer and marks
	dirty      atomic.Bool    // names were made that no sync covers yet
	notices    sync.Mutex
}

// OpenTarget opens dir, which it makes when only its last element is missing,
// to be written to. Close ends it.
func OpenTarget(dir string, o TargetOptions) (*Target, error) {
	return openTarget(dir, o, openHandle)
}

func openTarget(dir string, o TargetOptions, open func(string) (handle, error)) (*Target, error) {
	if o.Rename != "" {
		if err := CheckPath(o.Rename); err != nil {
			return nil, err
		}
		if strings.Contains(o.Rename, "/") {
			return nil, &PathError{o.Rename, "a new name is one element"}
		}
	}
	if !o.DryRun {
		if err := os.Mkdir(dir, 0o777); err != nil && !errors.Is(err, os.ErrExist) {
			return nil, fmt.Errorf("target folder: %w", err)
		}
	}
	h, err := open(dir)
	if err != nil {
		return nil, fmt.Errorf("target folder: %w", err)
	}
	t := newTarget(dir, o, h)
	if err := t.stack[0].recognizeLocked(h); err != nil {
		h.close()
		return nil, fmt.Errorf("target folder %s: %w", dir, err)
	}
	if !t.inline {
		t.startCommitter()
	}
	return t, nil
}

func (t *Target) startCommitter() {
	t.queue = make(chan *Incoming, t.budget)
	t.background.Go(t.commitAll)
}

func newTarget(dir string, o TargetOptions, h handle) *Target {
	files := descriptors() / 256
	t := &Target{
		dir: dir, o: o, space: newSpace(o.KeepFree), traits: h.traits(), boot: bootID(),
		maxOpen: min(max(files, 8), 64), budget: min(max(files, 4), 256),
		going: map[string]*Incoming{},
	}
	t.inline = o.NoSync || o.DryRun || t.traits.memory
	top := &folder{t: t, h: h, refs: 1}
	t.stack = []*folder{top}
	return t
}

func (t *Target) notice(path, what string) {
	if t.o.Notice == nil {
		return
	}
	t.notices.Lock()
	defer t.notices.Unlock()
	t.o.Notice(path, what)
}

// Begin says what to do about e. It is called by one goroutine, in the order of
// the manifest: an entry's folder is the innermost that was named and not left.
// It opens no file, unless there is a partial to be resumed, so that many entries
// can be begun before the first is finished. chunk is the size in bytes, a power
// of two from 1024 up, in which the content will be verified.
//
// The Incoming is not nil for the verdicts Want, Compare and Later, and must then
// be ended (Commit, WriteWhole, Resolve, Suspend or Discard). In a dry run it is
// nil for Want too. The error is not nil only for Refused, and only of this entry;
// everything in a folder that was refused or skipped gets the same verdict.
func (t *Target) Begin(e Entry, chunk int64) (*Incoming, Verdict, error) {
	in, v, err := t.begin(e, chunk)
	if err != nil {
		return nil, Refused, fmt.Errorf("receive %q: %w", e.Path, err)
	}
	return in, v, nil
}

func (t *Target) begin(e Entry, chunk int64) (*Incoming, Verdict, error) {
	if err := t.check(&e, chunk); err != nil {
		return nil, Refused, err
	}
	if e.Kind == Leave {
		return nil, Done, t.leave(e.Path)
	}
	f, err := t.parentOf(e.Path)
	if err != nil {
		return nil, Refused, err
	}
	in := &Incoming{t: t, e: e, f: f, chunk: chunk, name: e.Path[len(f.path):], pick: 1}
	in.name = strings.TrimPrefix(in.name, "/")
	if t.o.Rename != "" {
		if e.Kind != File || t.renamed {
			return nil, Refused, fmt.Errorf("only a single file can be saved as %q", t.o.Rename)
		}
		t.renamed, in.name = true, t.o.Rename
	}
	in.final = in.name
	v, err := t.judge(in)
	if v == Compare || v == Later || v == Want && !t.o.DryRun {
		return in, v, err
	}
	return nil, v, err
}

// judge asks the rules of e's kind, and remembers what became of it.
func (t *Target) judge(in *Incoming) (v Verdict, err error) {
	switch {
	case in.f.verdict == Skipped, in.f.verdict == Refused:
		v = in.f.verdict
		if v == Refused {
			err = errors.New("its folder was refused")
		}
		if in.e.Kind == Dir {
			t.enter(&folder{t: t, parent: in.f, path: in.e.Path, verdict: v})
		}
	case in.e.Kind == Dir:
		v, err = t.beginDir(in)
	case in.e.Kind == Symlink:
		v, err = t.beginSymlink(in)
	case in.e.Kind == Link:
		v, err = t.beginLink(in)
	default:
		v, err = t.beginFile(in)
	}
	if v != Want && v != Compare && v != Later {
		t.settled(in, v, err)
	}
	return v, err
}

// check refuses what no entry may be.
func (t *Target) check(e *Entry, chunk int64) error {
	if err := CheckPath(e.Path); err != nil {
		return err
	}
	maxPath, maxDepth := t.o.MaxPath, t.o.MaxDepth
	if maxPath == 0 {
		maxPath = defaultMaxPath
	}
	if maxDepth == 0 {
		maxDepth = defaultMaxDepth
	}
	switch {
	case len(e.Path) > maxPath:
		return &PathError{e.Path, fmt.Sprintf("it is longer than %d bytes", maxPath)}
	case strings.Count(e.Path, "/")+1 > maxDepth:
		return &PathError{e.Path, fmt.Sprintf("it is deeper than %d folders", maxDepth)}
	case e.Kind < File || e.Kind > Link:
		return fmt.Errorf("entry of unknown kind %d", e.Kind)
	case e.Kind == File && (e.Size < -1 || chunk < 1024 || chunk&(chunk-1) != 0):
		return fmt.Errorf("size %d in chunks of %d bytes", e.Size, chunk)
	case t.isGoing(e.Path):
		return &PathError{e.Path, "it is named twice"}
	case e.Kind == Symlink && (e.Target == "" || strings.IndexByte(e.Target, 0) >= 0):
		return fmt.Errorf("a symbolic link to %q", e.Target)
	}
	if !t.o.XAttrs {
		e.XAttrs = nil
	}
	return nil
}

func (t *Target) isGoing(path string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.going[path] != nil
}

// Close waits for what was committed, suspends what was not, and ends the
// target. Nothing else may be going on in it. It returns what went wrong in the
// last step only: the names reaching the disk.
func (t *Target) Close() error {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return nil
	}
	t.closed = true
	var going []*Incoming
	for _, in := range t.going {
		if !in.committing && in.e.Kind == File { // a Link ends with its File
			going = append(going, in)
		}
	}
	t.mu.Unlock()
	for _, in := range going {
		_ = in.Suspend() // the partial is there or it is not
	}
	if t.queue != nil {
		close(t.queue)
	}
	t.background.Wait()
	for len(t.stack) > 1 {
		f := t.inner()
		t.stack = t.stack[:len(t.stack)-1]
		t.release(f)
	}
	err := t.syncNames()
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.open.Len() > 0 {
		t.shutLocked(t.open.Front().Value.(*folder))
	}
	t.shutLocked(t.stack[0])
	return err
}

// syncNames brings folders and links, which are not committed one by one, to the
// disk.
func (t *Target) syncNames() error {
	if t.inline || !t.dirty.Load() {
		return nil
	}
	h := t.stack[0].h
	err := h.syncAll()
	if errors.Is(err, errors.ErrUnsupported) {
		err = h.syncNames()
	}
	if err != nil {
		return fmt.Errorf("sync %s: %w", t.dir, err)
	}
	return nil
}
