package serve_test

import (
	"fmt"
	"io"
	"math"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"dialtone/app/serve"
)

// scrape returns the metrics by name and labels, as they stand there. It fails
// the test when a line is not of the Prometheus text format.
func scrape(t testing.TB, m *serve.Metrics) map[string]float64 {
	t.Helper()
	w := httptest.NewRecorder()
	m.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	body, err := io.ReadAll(w.Result().Body)
	must(t, err)
	return parseMetrics(t, string(body))
}

var sampleLine = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*(?:\{[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"(?:, ?[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*")*\})?) ([^ ]+)$`)

func parseMetrics(t testing.TB, text string) map[string]float64 {
	t.Helper()
	samples := map[string]float64{}
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		m := sampleLine.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("not a sample: %q", line)
		}
		value, err := strconv.ParseFloat(m[2], 64)
		must(t, err)
		if _, twice := samples[m[1]]; twice {
			t.Fatalf("%s stands there twice", m[1])
		}
		samples[m[1]] = value
	}
	return samples
}

// sample returns one metric.
func sample(t testing.TB, m *serve.Metrics, name string) float64 {
	t.Helper()
	all := scrape(t, m)
	v, ok := all[name]
	if !ok {
		t.Fatalf("no %s in %v", name, all)
	}
	return v
}

func TestMetricsCountWhatHappened(t *testing.T) {
	metrics := serve.NewMetrics()
	server := &serve.Server{Service: serve.Upper(), Metrics: metrics, Limits: serve.Limits{Max: 3}}
	addr := start(t, server)
	for range 2 {
		c := dial(t, addr)
		say(t, c, "hello\n")
		hear(t, c, "HELLO\n")
		say(t, c, "exit\n")
		hearEnd(t, c)
		c.Close()
	}
	eventually(t, "both have ended", func() bool { return server.Open() == 0 })
	for range 3 {
		c := dial(t, addr)
		say(t, c, "four\n")
		hear(t, c, "FOUR\n")
	}
	hearRefusal(t, addr)
	for name, want := range map[string]float64{
		"dialtone_connections_total":         5,
		"dialtone_connections_open":          3,
		"dialtone_received_bytes_total":      22,
		"dialtone_sent_bytes_total":          12,
		"dialtone_open_received_bytes":       15,
		"dialtone_open_sent_bytes":           15,
		"dialtone_accept_errors_total":       0,
		"dialtone_connections_refused_total": 1,
	} {
		labels := `{service="upper"}`
		if strings.Contains(name, "refused") {
			labels = `{service="upper",reason="too many connections"}`
		}
		eventually(t, fmt.Sprintf("%s is %g", name, want), func() bool { return sample(t, metrics, name+labels) == want })
	}
}

func TestMetricsLatencyIsACumulativeHistogram(t *testing.T) {
	metrics := serve.NewMetrics()
	c := dial(t, start(t, &serve.Server{Service: serve.Echo(), Metrics: metrics}))
	const rounds = 50
	for range rounds {
		say(t, c, "hello\n")
		hear(t, c, "hello\n")
	}
	c.CloseWrite()
	hearEnd(t, c)
	all := scrape(t, metrics)
	last, bounds := -1.0, 0
	prefix := `dialtone_answer_seconds_bucket{service="echo",le="`
	byBound := map[float64]float64{}
	for name, v := range all {
		if bound, ok := strings.CutPrefix(name, prefix); ok {
			b, err := strconv.ParseFloat(strings.TrimSuffix(bound, `"}`), 64)
			must(t, err)
			byBound[b] = v
			bounds++
		}
	}
	for b := range byBound {
		for other := range byBound {
			if b < other && byBound[b] > byBound[other] {
				t.Errorf("le=%g has %g, le=%g only %g", b, byBound[b], other, byBound[other])
			}
		}
	}
	last = byBound[math.Inf(1)]
	if count := all[`dialtone_answer_seconds_count{service="echo"}`]; bounds < 10 || last != count || count != rounds {
		t.Errorf("%d buckets, %g in the last, %g in all, want %d", bounds, last, count, rounds)
	}
	if sum := all[`dialtone_answer_seconds_sum{service="echo"}`]; sum <= 0 {
		t.Errorf("sum %g", sum)
	}
}

func TestMetricsHoldEveryReasonFromTheStart(t *testing.T) {
	metrics := serve.NewMetrics()
	start(t, &serve.Server{Service: serve.Echo(), Metrics: metrics})
	eventually(t, "there are seven reasons, each with nothing so far", func() bool {
		n := 0
		for name, v := range scrape(t, metrics) {
			if strings.HasPrefix(name, "dialtone_connections_refused_total{") {
				n++
				if v != 0 {
					t.Errorf("%s is %g", name, v)
				}
			}
		}
		return n == 7
	})
}
