package serve

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// Metrics counts what a server does, in the Prometheus text format. A nil
// *Metrics counts nothing.
type Metrics struct {
	set     *metrics.Set
	service string

	total, received, sent, errors *metrics.Counter
	buckets                       [len(latencyBounds) + 1]atomic.Int64
	nanoseconds                   atomic.Int64
}

// latencyBounds are the histogram's: from reading a burst to having sent its
// answer, in seconds.
var latencyBounds = [...]float64{1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, .1, .25, .5, 1, 2.5, 5, 10}

// NewMetrics returns the metrics of one server.
func NewMetrics() *Metrics { return &Metrics{set: metrics.NewSet()} }

// bind names the service and takes the gauges from s.
func (m *Metrics) bind(s *Server) {
	if m == nil {
		return
	}
	m.service = s.Service.Name
	m.total = m.set.NewCounter(m.name("dialtone_connections_total"))
	m.received = m.set.NewCounter(m.name("dialtone_received_bytes_total"))
	m.sent = m.set.NewCounter(m.name("dialtone_sent_bytes_total"))
	m.errors = m.set.NewCounter(m.name("dialtone_accept_errors_total"))
	m.set.NewGauge(m.name("dialtone_connections_open"), func() float64 { return float64(s.Open()) })
	for _, why := range []Reason{refusedDenied, refusedMax, refusedPerAddr, refusedRate, refusedBytes, refusedFiles, refusedHandshake} {
		m.set.NewCounter(m.refusedName(why))
	}
	m.set.RegisterMetricsWriter(m.writeLatency)
	m.set.RegisterMetricsWriter(func(w io.Writer) { m.writeOpenBytes(w, s) })
}

func (m *Metrics) name(metric string) string {
	return fmt.Sprintf("%s{service=%q}", metric, m.service)
}

func (m *Metrics) refusedName(why Reason) string {
	return fmt.Sprintf("dialtone_connections_refused_total{service=%q,reason=%q}", m.service, string(why))
}

func (m *Metrics) opened() {
	if m != nil {
		m.total.Inc()
	}
}

func (m *Metrics) closed(c *Conn) {
	if m != nil {
		m.count(c.in.Load(), c.out.Load())
	}
}

// count adds the bytes of a conversation that has ended, or of datagrams.
func (m *Metrics) count(in, out int64) {
	if m != nil {
		m.received.AddInt64(in)
		m.sent.AddInt64(out)
	}
}

func (m *Metrics) refused(why Reason) {
	if m != nil {
		m.set.GetOrCreateCounter(m.refusedName(why)).Inc()
	}
}

func (m *Metrics) acceptError() {
	if m != nil {
		m.errors.Inc()
	}
}

// now returns the time if somebody wants to know it.
func (m *Metrics) now() time.Time {
	if m == nil {
		return time.Time{}
	}
	return time.Now()
}

// latency adds one answer that began at start.
func (m *Metrics) latency(start time.Time) {
	if m == nil {
		return
	}
	took := time.Since(start)
	m.nanoseconds.Add(int64(took))
	i := 0
	for i < len(latencyBounds) && took.Seconds() > latencyBounds[i] {
		i++
	}
	m.buckets[i].Add(1)
}

// writeLatency writes a Prometheus histogram: cumulative buckets by upper bound.
func (m *Metrics) writeLatency(w io.Writer) {
	const name = "dialtone_answer_seconds"
	total := int64(0)
	for i := range m.buckets {
		bound := "+Inf"
		if i < len(latencyBounds) {
			bound = strconv.FormatFloat(latencyBounds[i], 'g', -1, 64)
		}
		total += m.buckets[i].Load()
		fmt.Fprintf(w, "%s_bucket{service=%q,le=%q} %d\n", name, m.service, bound, total)
	}
	fmt.Fprintf(w, "%s_sum{service=%q} %g\n", name, m.service, time.Duration(m.nanoseconds.Load()).Seconds())
	fmt.Fprintf(w, "%s_count{service=%q} %d\n", name, m.service, total)
}

// writeOpenBytes writes what conversations that still go on have moved: the
// totals count a conversation when it ends.
func (m *Metrics) writeOpenBytes(w io.Writer, s *Server) {
	var in, out int64
	s.each(func(c *Conn) { in += c.in.Load(); out += c.out.Load() })
	fmt.Fprintf(w, "%s %d\n%s %d\n", m.name("dialtone_open_received_bytes"), in, m.name("dialtone_open_sent_bytes"), out)
}

// ServeHTTP writes the metrics, and those of the process.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	m.set.WritePrometheus(w)
	metrics.WriteProcessMetrics(w)
}
