package transfer

import (
	"sync"
	"sync/atomic"
	"time"
)

// Meter counts what a transfer does, for whoever wants to look while it runs.
// The zero value is ready. Snapshot may be called at any time by anyone.
type Meter struct {
	start atomic.Int64 // Unix nanoseconds

	named, namedBytes            atomic.Int64 // of files, as the manifest names them
	total, totalBytes            atomic.Int64 // of files, as counted ahead; 0: not known
	done, skipped, failed        atomic.Int64 // files
	bytes, skippedBytes          atomic.Int64
	sent, compressed, wire       atomic.Int64
	repaired                     atomic.Int64
	reading, hashing, networking atomic.Int64 // nanoseconds of all streams, this end
	writing                      atomic.Int64
	peer                         atomic.Pointer[shares]
	streams                      atomic.Int64

	mu     sync.Mutex
	active []*activeFile
	path   Path
}

// activeFile is a file of several chunks that is on its way.
type activeFile struct {
	path string
	size int64
	done atomic.Int64
}

// shares is where an end's streams spent their time, as fractions of it.
type shares struct{ disk, hash, network float64 }

// Snapshot is a Meter at one moment.
type Snapshot struct {
	Elapsed time.Duration

	Files, Skipped, Failed int64 // files finished so far
	TotalFiles, TotalBytes int64 // -1 while not known
	Bytes                  int64 // content moved or found there already, towards TotalBytes
	SkippedBytes           int64 // of these, not moved
	Sent, Compressed, Wire int64
	Repaired               int64
	Streams                int

	Active []FileProgress // files of several chunks that are on their way, oldest first

	Limit Limit // who holds the transfer back
	Path  Path  // the network below the connections; zero when it cannot be asked
}

// Path is what the kernel says of the connections, of the sender's side where
// both are known.
type Path struct {
	RTT           time.Duration // smoothed, of the first connection
	Retransmitted int64         // segments, all connections
	Congestion    string        // algorithm
}

// FileProgress is a file on its way.
type FileProgress struct {
	Path       string
	Done, Size int64 // bytes; Size -1: not known
}

// Limit is who holds a transfer back.
type Limit string

const (
	LimitUnknown   Limit = ""
	LimitReading   Limit = "reading"   // the sender's disk
	LimitSending   Limit = "sending"   // the sender's processor: hashing, compressing, encrypting
	LimitNetwork   Limit = "network"   // the path between the two
	LimitReceiving Limit = "receiving" // the receiver's processor
	LimitWriting   Limit = "writing"   // the receiver's disk
	LimitRate      Limit = "rate"      // --limit
)
