package transfer

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Meter counts what a transfer does, for whoever wants to look while it runs.
// The zero value is ready. Snapshot may be called at any time by anyone.
type Meter struct {
	start atomic.Pointer[time.Time] // with its monotonic reading: a clock that jumps changes nothing

	named, namedBytes            atomic.Int64 // of files, as the manifest names them
	total, totalBytes            atomic.Int64 // of files, as counted ahead
	totalKnown                   atomic.Bool
	paced                        atomic.Bool  // a rate limit holds it back
	done, skipped, failed        atomic.Int64 // files
	bytes, skippedBytes          atomic.Int64
	sent, compressed, wire       atomic.Int64
	repaired                     atomic.Int64
	reading, hashing, networking atomic.Int64 // nanoseconds of all streams, this end
	writing                      atomic.Int64
	streams                      atomic.Int64
	held                         atomic.Int64 // thousandths of the connections' busy time that the peer's window was full
	peer                         atomic.Pointer[status]
	receiver                     atomic.Bool // this end receives

	mu     sync.Mutex
	active []*activeFile
	path   Path
	looked [4]int64 // the same times when Snapshot was last called
	limit  Limit
	spent  [4]int64 // reading, hashing, networking, writing when shares was last asked
}

// activeFile is a file of several chunks that is on its way.
type activeFile struct {
	path string
	size int64
	done atomic.Int64
}

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

func (m *Meter) begin(at time.Time) { m.start.CompareAndSwap(nil, &at) }

func (m *Meter) setTotal(files, bytes int64) {
	m.total.Store(files)
	m.totalBytes.Store(bytes)
	m.totalKnown.Store(true)
}

func (m *Meter) setPath(p Path) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.path = p
}

// show puts a file among those on their way.
func (m *Meter) show(path string, size, done int64) *activeFile {
	a := &activeFile{path: path, size: size}
	a.done.Store(done)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.active = append(m.active, a)
	return a
}

// hide takes it away; nil was never shown.
func (m *Meter) hide(a *activeFile) {
	if a == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := slices.Index(m.active, a); i >= 0 {
		m.active = slices.Delete(m.active, i, i+1)
	}
}

// streamBegins counts a stream until the function it returns is called.
func (m *Meter) streamBegins() func() {
	m.streams.Add(1)
	return func() { m.streams.Add(-1) }
}

// shares returns where this end's streams spent the time since it was last asked.
func (m *Meter) shares() status {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.times()
	var d [4]int64
	var all int64
	for i := range d {
		d[i] = now[i] - m.spent[i]
		all += d[i]
	}
	m.spent = now
	if all == 0 {
		return status{}
	}
	return status{disk: (d[0] + d[3]) * 1000 / all, hash: d[1] * 1000 / all, network: d[2] * 1000 / all}
}

func (m *Meter) times() [4]int64 {
	return [4]int64{m.reading.Load(), m.hashing.Load(), m.networking.Load(), m.writing.Load()}
}

// fill copies the counts of m into the summary.
func (m *Meter) fill(s *Summary) {
	s.SkippedBytes = m.skippedBytes.Load()
	s.Wire = m.wire.Load()
	s.Sent = m.sent.Load()
	s.Compressed = m.compressed.Load()
	s.Repaired = m.repaired.Load()
}

// Snapshot returns the state of m now.
func (m *Meter) Snapshot() Snapshot {
	s := Snapshot{
		Files: m.done.Load(), Skipped: m.skipped.Load(), Failed: m.failed.Load(),
		TotalFiles: -1, TotalBytes: -1,
		SkippedBytes: m.skippedBytes.Load(), Sent: m.sent.Load(), Compressed: m.compressed.Load(),
		Wire: m.wire.Load(), Repaired: m.repaired.Load(), Streams: int(m.streams.Load()),
	}
	if at := m.start.Load(); at != nil {
		s.Elapsed = time.Since(*at)
	}
	if m.totalKnown.Load() {
		s.TotalFiles, s.TotalBytes = m.total.Load(), m.totalBytes.Load()
	}
	s.Bytes = m.bytes.Load() + s.SkippedBytes
	m.mu.Lock()
	defer m.mu.Unlock()
	s.Path = m.path
	for _, a := range m.active {
		s.Active = append(s.Active, FileProgress{a.path, a.done.Load(), a.size})
	}
	s.Limit = m.limitLocked()
	return s
}

// limitLocked judges who holds the transfer back, from where the streams of both
// ends spent their time since the last look. A sender that waits for its
// connections is held back by the path, or by a receiver that does not wait for
// them.
func (m *Meter) limitLocked() Limit {
	now := m.times()
	var own status
	var all int64
	for i := range now {
		all += now[i] - m.looked[i]
	}
	if all == 0 {
		return m.limit
	}
	share := func(i int) int64 { return (now[i] - m.looked[i]) * 1000 / all }
	own = status{disk: share(0) + share(3), hash: share(1), network: share(2)}
	m.looked = now
	peer := m.peer.Load()
	if peer == nil {
		peer = &status{network: 1000}
	}
	send, receive := own, *peer
	if m.receiver.Load() {
		send, receive = *peer, own
	}
	m.limit = judge(send, receive, m.held.Load(), m.paced.Load())
	return m.limit
}

// judge says who holds back a sender and a receiver that spend their time so,
// where the receiver's window was full for held thousandths of the time.
func judge(send, receive status, held int64, paced bool) Limit {
	const most = 500 // thousandths
	switch {
	case send.network < most && send.disk >= send.hash:
		return LimitReading
	case send.network < most:
		return LimitSending
	case paced:
		return LimitRate
	case receive.network >= most && held < most:
		return LimitNetwork
	case receive.disk >= receive.hash:
		return LimitWriting
	}
	return LimitReceiving
}
