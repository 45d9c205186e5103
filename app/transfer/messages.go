package transfer

import (
	"encoding/binary"
	"io/fs"
	"math"
	"time"

	"dialtone/app/digest"
	"dialtone/app/tree"
)

// The messages of the protocol as values: each has an append and a parse, which
// undo each other (spec.md §5).

const (
	protocolVersion = 1

	maxSize       = math.MaxInt64 - 2*MaxChunk // of a file: sums of it and a chunk do not overflow
	maxPathBytes  = 64 << 10                   // of one entry's path; what a target takes is its own matter
	maxTarget     = 64 << 10                   // of a link's text
	maxXAttrs     = 1024                       // of one entry
	maxXAttrValue = 64 << 10
	maxReason     = 4 << 10
	maxRecords    = 4096 // in one data frame
	maxExtents    = 8192 // in one record
	maxRanges     = 16 << 10
	maxFrameText  = 2 * windowText // of the paths in a frame of entries
)

type role int64

const (
	roleSender   role = 1
	roleReceiver role = 2
)

func (r role) String() string {
	if r == roleSender {
		return "send"
	}
	return "receive"
}

// hello is the first frame of each end on the first connection.
type hello struct {
	role    role
	version int64 // the highest that is spoken
}

func (h hello) append(b []byte) []byte {
	b = appendNumber(b, 1, int64(h.role))
	return appendNumber(b, 2, h.version)
}

func parseHello(head []byte) (h hello, err error) {
	f, err := parseFields(head)
	if err != nil {
		return h, err
	}
	r, err := f.number(1, 2)
	if err != nil || r == 0 {
		return h, broken("a hello without a role")
	}
	h.role = role(r)
	h.version, err = f.number(2, math.MaxInt32)
	if err == nil && h.version == 0 {
		err = broken("a hello without a version")
	}
	return h, err
}

// offer is what the sender proposes.
type offer struct {
	chunk  int64
	verify Verify
	dryRun bool
	xattrs bool
}

func (o offer) append(b []byte) []byte {
	b = appendNumber(b, 1, o.chunk)
	b = appendNumber(b, 2, int64(o.verify))
	b = appendNumber(b, 3, bit(o.dryRun))
	return appendNumber(b, 4, bit(o.xattrs))
}

func parseOffer(head []byte) (o offer, err error) {
	f, err := parseFields(head)
	if err != nil {
		return o, err
	}
	var verify, dry, x int64
	for _, n := range []struct {
		to   *int64
		key  byte
		most int64
	}{{&o.chunk, 1, MaxChunk}, {&verify, 2, 1}, {&dry, 3, 1}, {&x, 4, 1}} {
		if *n.to, err = f.number(n.key, n.most); err != nil {
			return o, err
		}
	}
	if o.chunk < MinChunk || o.chunk&(o.chunk-1) != 0 {
		return o, broken("a chunk size of %d", o.chunk)
	}
	o.verify, o.dryRun, o.xattrs = Verify(verify), dry == 1, x == 1
	return o, nil
}

// accept is the receiver's terms.
type accept struct {
	streams int64 // most connections
	ordered bool  // one file, in order, on the first connection
}

func (a accept) append(b []byte) []byte {
	b = appendNumber(b, 1, a.streams)
	return appendNumber(b, 2, bit(a.ordered))
}

func parseAccept(head []byte) (a accept, err error) {
	f, err := parseFields(head)
	if err != nil {
		return a, err
	}
	if a.streams, err = f.number(1, math.MaxInt32); err != nil {
		return a, err
	}
	o, err := f.number(2, 1)
	a.ordered = o == 1
	return a, err
}

func bit(v bool) int64 {
	if v {
		return 1
	}
	return 0
}

// Entries are numbered from 0 in the order in which they are named. Their paths
// share a beginning with the one before: only the rest travels.
//
// An entry's flags.
const (
	flagSparse = 1 << iota
	flagXAttrs
)

// unixMode packs a mode as the lower 12 bits of a Unix st_mode.
func unixMode(m fs.FileMode) int64 {
	v := int64(m.Perm())
	for i, b := range []fs.FileMode{fs.ModeSticky, fs.ModeSetgid, fs.ModeSetuid} {
		if m&b != 0 {
			v |= 0o1000 << i
		}
	}
	return v
}

func fileMode(v int64) fs.FileMode {
	m := fs.FileMode(v & 0o777)
	for i, b := range []fs.FileMode{fs.ModeSticky, fs.ModeSetgid, fs.ModeSetuid} {
		if v&(0o1000<<i) != 0 {
			m |= b
		}
	}
	return m
}

// appendEntry appends e, which follows an entry with the path before.
func appendEntry(b []byte, e tree.Entry, before string) []byte {
	shared := sharedPrefix(before, e.Path)
	b = append(b, byte(e.Kind))
	b = appendUint(b, int64(shared))
	b = appendText(b, e.Path[shared:])
	switch e.Kind {
	case tree.Leave:
		return b
	case tree.Link:
		return appendText(b, e.Target)
	}
	b = appendTime(b, e.ModTime)
	if e.Kind == tree.Symlink {
		return appendText(b, e.Target)
	}
	var flags byte
	if e.Sparse {
		flags |= flagSparse
	}
	if len(e.XAttrs) > 0 {
		flags |= flagXAttrs
	}
	b = append(b, flags)
	b = appendUint(b, unixMode(e.Mode))
	if e.Kind == tree.File {
		b = appendUint(b, e.Size+1)
	}
	if len(e.XAttrs) > 0 {
		b = appendUint(b, int64(len(e.XAttrs)))
		for _, x := range e.XAttrs {
			b = appendText(appendText(b, x.Name), x.Value)
		}
	}
	return b
}

// parseEntries reads a frame of entries and hands each to take.
func parseEntries(head []byte, take func(tree.Entry) error) error {
	d := &decoder{b: head}
	before, text := "", 0
	for len(d.b) > 0 && d.err == nil {
		e := parseEntry(d, before)
		before = e.Path
		if text += len(e.Path); text > maxFrameText { // sharing a beginning would make much out of little
			d.fail("too much text in a frame of entries")
		}
		if d.err == nil {
			d.err = take(e)
		}
	}
	return d.err
}

// parseEntry reads an entry that follows one with the path before.
func parseEntry(d *decoder, before string) (e tree.Entry) {
	e.Kind = tree.Kind(d.byte())
	if e.Kind < tree.File || e.Kind > tree.Link {
		d.fail("an entry of unknown kind")
		return e
	}
	shared := d.int(int64(len(before)))
	e.Path = before[:shared] + d.text(maxPathBytes)
	if len(e.Path) > maxPathBytes {
		d.fail("a path is too long")
	}
	switch e.Kind {
	case tree.Leave:
		return e
	case tree.Link:
		e.Target = d.text(maxTarget)
		return e
	}
	e.ModTime = parseTime(d)
	if e.Kind == tree.Symlink {
		e.Target = d.text(maxTarget)
		return e
	}
	flags := d.byte()
	e.Sparse = flags&flagSparse != 0
	e.Mode = fileMode(d.int(0o7777))
	if e.Kind == tree.File {
		e.Size = d.int(maxSize+1) - 1
	}
	if flags&flagXAttrs != 0 {
		e.XAttrs = parseXAttrs(d)
	}
	return e
}

func parseXAttrs(d *decoder) []tree.XAttr {
	n := d.int(maxXAttrs)
	var all []tree.XAttr
	for i := int64(0); i < n && d.err == nil; i++ {
		all = append(all, tree.XAttr{Name: d.text(maxXAttrValue), Value: append([]byte(nil), d.bytes(maxXAttrValue)...)})
	}
	return all
}

func appendTime(b []byte, t time.Time) []byte {
	b = binary.AppendVarint(b, t.Unix())
	return appendUint(b, int64(t.Nanosecond()))
}

func parseTime(d *decoder) time.Time {
	sec := d.signed()
	return time.Unix(sec, d.int(999_999_999))
}

func sharedPrefix(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// verdict is what the receiver says of an entry.
type verdict byte

const (
	verdictDone    verdict = 1 + iota // made, nothing more is needed
	verdictHave                       // the same is there already
	verdictWant                       // all of it
	verdictRest                       // of a file some chunks: ranges follow
	verdictCompare                    // same size, other time: send its hash
	verdictSkip                       // another is there and is to stay
	verdictRefuse                     // not possible or not allowed: a reason follows
)

// answer is the receiver's word on one entry. Answers come in the order of the
// entries, one for each; a comparison is followed by a second one, by number.
type answer struct {
	verdict verdict
	ranges  [][2]int64 // verdictRest: chunks [from, to), ascending
	reason  string
}

func appendAnswer(b []byte, a answer) []byte {
	b = append(b, byte(a.verdict))
	switch a.verdict {
	case verdictRest:
		b = appendUint(b, int64(len(a.ranges)))
		at := int64(0)
		for _, r := range a.ranges {
			b = appendUint(appendUint(b, r[0]-at), r[1]-r[0])
			at = r[1]
		}
	case verdictRefuse, verdictSkip:
		b = appendText(b, a.reason)
	}
	return b
}

func parseAnswer(d *decoder) (a answer) {
	a.verdict = verdict(d.byte())
	switch a.verdict {
	case verdictDone, verdictHave, verdictWant, verdictCompare:
	case verdictRest:
		n := d.int(maxRanges)
		at := int64(0)
		for i := int64(0); i < n && d.err == nil; i++ {
			from := at + d.int(math.MaxInt64-at)
			to := from + d.int(math.MaxInt64-from)
			a.ranges = append(a.ranges, [2]int64{from, to})
			at = to
		}
	case verdictRefuse, verdictSkip:
		a.reason = d.text(maxReason)
	default:
		d.fail("an answer of unknown kind")
	}
	return a
}

// A data frame's head is a byte of flags and its records; its body is what the
// records hold, one after another, all together compressed or not.
const bodyZstd = 1 // the body is one zstd frame

// record is a piece of content in a data frame: of which file, where, how long.
type record struct {
	entry int64
	flags byte
	chunk int64      // its number
	raw   int64      // length in the file, holes included
	sum   digest.Sum // recordWhole: the file's hash; else the chunk's chaining value

	extents [][2]int64 // recordSparse: data in the chunk, [start, end); the rest is hole
}

const (
	recordWhole  = 1 << iota // the whole file, of at most one chunk
	recordSparse             // only the data between the holes travels
	recordSummed             // the sum is there
	recordEnd                // no content: all chunks are sent; raw is the file's size, the sum its hash, if known
)

func appendRecord(b []byte, r *record) []byte {
	b = appendUint(b, r.entry)
	b = append(b, r.flags)
	b = appendUint(b, r.chunk)
	b = appendUint(b, r.raw)
	if r.flags&recordSummed != 0 {
		b = append(b, r.sum[:]...)
	}
	if r.flags&recordSparse != 0 {
		b = appendUint(b, int64(len(r.extents)))
		at := int64(0)
		for _, x := range r.extents {
			b = appendUint(appendUint(b, x[0]-at), x[1]-x[0])
			at = x[1]
		}
	}
	return b
}

// parseRecord reads a record of a transfer with the given chunk size.
func parseRecord(d *decoder, chunk int64) (r record) {
	r.entry = d.int(math.MaxInt64)
	r.flags = d.byte()
	r.chunk = d.int(math.MaxInt64/chunk - 1)
	most := chunk
	if r.flags&recordEnd != 0 {
		most = maxSize
	}
	r.raw = d.int(most)
	if r.flags&recordSummed != 0 {
		r.sum = d.sum()
	}
	if r.flags&recordSparse != 0 {
		n := d.int(maxExtents)
		at := int64(0)
		for i := int64(0); i < n && d.err == nil; i++ {
			from := at + d.int(max(r.raw-at, 0))
			to := from + d.int(max(r.raw-from, 0))
			r.extents = append(r.extents, [2]int64{from, to})
			at = to
		}
	}
	return r
}

// dataLen returns how many bytes of the record are data, not hole.
func (r *record) dataLen() int64 {
	switch {
	case r.flags&recordEnd != 0:
		return 0
	case r.flags&recordSparse == 0:
		return r.raw
	}
	var n int64
	for _, x := range r.extents {
		n += x[1] - x[0]
	}
	return n
}

// result is the end of a file whose content was sent.
type result struct {
	entry  int64
	ok     bool
	sum    digest.Sum // ok: of the file, where the sender cannot know it; else zero
	name   string     // ok: under which it was stored, if it is another
	reason string     // not ok
}

func appendResult(b []byte, r result) []byte {
	b = appendUint(b, r.entry)
	switch {
	case !r.ok:
		return appendText(append(b, 0), r.reason)
	case r.sum != digest.Sum{}:
		b = append(append(b, 2), r.sum[:]...)
	default:
		b = append(b, 1)
	}
	return appendText(b, r.name)
}

func parseResult(d *decoder) (r result) {
	r.entry = d.int(math.MaxInt64)
	switch d.byte() {
	case 0:
		r.reason = d.text(maxReason)
	case 1:
		r.ok, r.name = true, d.text(maxPathBytes)
	case 2:
		r.ok, r.sum, r.name = true, d.sum(), d.text(maxPathBytes)
	default:
		d.fail("a result of an unknown kind")
	}
	return r
}

// note is something the receiver could not keep, or an entry that failed after
// it had been answered.
type note struct {
	failed     bool
	path, text string
}

func appendNote(b []byte, n note) []byte {
	b = append(b, byte(bit(n.failed)))
	return appendText(appendText(b, n.path), n.text)
}

func parseNote(d *decoder) note {
	return note{d.byte() == 1, d.text(maxPathBytes), d.text(maxReason)}
}

// abort is why an end stops.
type abort struct {
	code   abortCode
	reason string
}

type abortCode int64

const (
	abortError       abortCode = 1 + iota // something failed there
	abortInterrupted                      // its user stopped it
	abortRefused                          // it does not want this transfer
	abortProtocol                         // it did not understand
)

func (a abort) append(b []byte) []byte {
	b = appendNumber(b, 1, int64(a.code))
	return appendField(b, 2, cut(a.reason, maxReason))
}

func parseAbort(head []byte) (a abort, err error) {
	f, err := parseFields(head)
	if err != nil {
		return a, err
	}
	code, err := f.number(1, math.MaxInt32)
	return abort{abortCode(code), string(f[2])}, err
}

func cut[T string | []byte](s T, most int) T { return s[:min(len(s), most)] }

// status is where an end's streams spent their time since the last one, in
// thousandths.
type status struct{ disk, hash, network int64 }

func (s status) append(b []byte) []byte {
	b = appendNumber(b, 1, s.disk)
	b = appendNumber(b, 2, s.hash)
	return appendNumber(b, 3, s.network)
}

func parseStatus(head []byte) (s status, err error) {
	f, err := parseFields(head)
	if err != nil {
		return s, err
	}
	for key, to := range map[byte]*int64{1: &s.disk, 2: &s.hash, 3: &s.network} {
		if *to, err = f.number(key, 1_000_000); err != nil {
			return s, err
		}
	}
	return s, nil
}

// finish is the number of entries; total what a count ahead of the manifest
// found; done what the receiver stored.
type totals struct{ files, bytes int64 }

func (t totals) append(b []byte) []byte {
	b = appendNumber(b, 1, t.files)
	return appendNumber(b, 2, t.bytes)
}

func parseTotals(head []byte) (t totals, err error) {
	f, err := parseFields(head)
	if err != nil {
		return t, err
	}
	if t.files, err = f.number(1, math.MaxInt64); err != nil {
		return t, err
	}
	t.bytes, err = f.number(2, math.MaxInt64)
	return t, err
}
