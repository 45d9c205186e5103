package transfer

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"dialtone/app/digest"
)

// Verify says what is checked of each file.
type Verify uint8

const (
	VerifyHash Verify = iota // BLAKE3 of every chunk, at both ends
	VerifyNone               // lengths only; lets the kernel move the bytes
)

// Compress says whether chunks are compressed with zstd.
type Compress uint8

const (
	CompressAuto Compress = iota // where it pays: by trying, against the path's speed
	CompressOn                   // every chunk that gets smaller
	CompressOff
)

// Limits of a transfer. The receiver holds the sender to them.
const (
	MinChunk     = 64 << 10 // smallest chunk in bytes
	MaxChunk     = 16 << 20 // largest
	DefaultChunk = 1 << 20

	unlookedChunk = 4 << 20 // the default with VerifyNone
	MaxStreams    = 32      // connections of one transfer
)

// SendOptions say how to send. The zero value is a verified transfer that finds
// its own speed.
type SendOptions struct {
	Verify   Verify
	Compress Compress
	Rate     int64         // bytes per second of content on the wire; 0: no limit
	Streams  int           // connections, 1 to MaxStreams; 0: found by measuring
	Chunk    int64         // bytes, a power of two, MinChunk to MaxChunk; 0: DefaultChunk, 4 MiB with VerifyNone
	DryRun   bool          // ask what the receiver would want, send nothing
	Timeout  time.Duration // a peer silent for so long is gone; 0: 60 s; negative: never
	Meter    *Meter        // counts while it runs; nil: nobody looks
	Event    func(Event)   // called by one goroutine at a time; must not wait for the transfer; nil: nobody listens
}

// ReceiveOptions say what to accept. The zero value takes what fits on the disk.
type ReceiveOptions struct {
	MaxBytes int64         // content of one transfer; 0: 1 TiB; negative: no limit
	MaxFiles int64         // entries of one transfer; 0: 10,000,000; negative: no limit
	Timeout  time.Duration // as in SendOptions
	Meter    *Meter
	Event    func(Event)
}

// What an Event tells.
type EventKind string

const (
	EventDone     EventKind = "done"     // Path has arrived, whole and verified
	EventSkipped  EventKind = "skipped"  // Path was there already, or was not wanted: Text
	EventFailed   EventKind = "failed"   // Path did not arrive: Err
	EventRepaired EventKind = "repaired" // a chunk of Path at Offset arrived damaged and was sent again
	EventNotice   EventKind = "notice"   // something of Path could not be kept, or was left out: Text
	EventWould    EventKind = "would"    // a dry run: Path would be sent
)

// Event is something that happened to one entry.
type Event struct {
	Kind    EventKind
	Path    string     // as the sender names it
	Final   string     // under which it was stored, where that differs
	Bytes   int64      // its size
	Resumed int64      // of these, kept from an earlier run
	Offset  int64      // EventRepaired
	Sum     digest.Sum // EventDone of a file: its BLAKE3; zero with VerifyNone
	Text    string
	Err     error
}

// Summary is what a transfer came to.
type Summary struct {
	Files, Folders, Links int64 // arrived
	Skipped, Failed       int64 // entries
	Bytes                 int64 // content of the files that arrived, holes included
	SkippedBytes          int64 // content that needed no sending: there already, or kept from an earlier run
	Wire                  int64 // bytes of frames on all connections, below TLS if there is TLS
	Sent                  int64 // content put on the wire, before compression
	Compressed            int64 // content put on the wire, after compression
	Repaired              int64 // chunks sent again
	Elapsed               time.Duration
	Sum                   digest.Sum // of the only file, if there was one
	Failures              []Failure  // the first 100
}

// Failure is an entry that did not arrive.
type Failure struct {
	Path string
	Err  error
}

// String names the path once, though the error may name it again.
func (f Failure) String() string {
	if f.Err == nil {
		return f.Path
	}
	why := f.Err.Error()
	if _, rest, ok := strings.Cut(why, strconv.Quote(f.Path)+": "); ok {
		why = rest
	}
	return f.Path + ": " + why
}

// FailedError is returned beside a Summary whose transfer ran to its end while
// some entries failed.
type FailedError struct {
	Count int64
	First Failure
}

func (e *FailedError) Error() string {
	if e.Count == 1 {
		return e.First.String()
	}
	return fmt.Sprintf("%d entries failed, the first %v", e.Count, e.First)
}

func (e *FailedError) Unwrap() error { return e.First.Err }
