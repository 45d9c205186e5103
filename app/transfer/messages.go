package transfer

import (
	"math"

	"dialtone/app/digest"
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
