package screen

import (
	"math"
	"strings"
	"time"

	"dialtone/app/quantity"
	"dialtone/observe/explain"
	"dialtone/observe/live"
	"dialtone/observe/sockets"

	"github.com/charmbracelet/x/ansi"
)

// series is one line of the window graph, with what the legend says of it.
type series struct {
	plotLine
	name, sample string // sample shows its pattern
	last         string // its value now
}

// windowGraph draws what the window did: congestion window, slow start threshold, bytes in
// flight and the peer's window over one axis of bytes, the round trip over one of time.
func (m *Model) windowGraph(d live.Detail, width, height int) []string {
	lines := []string{m.section("window", d.Sampled.Name, d.Sampled.About)}
	if d.Err != nil {
		lines = append(lines, "no more samples: "+d.Err.Error())
	}
	switch {
	case len(d.Samples) < 2 && gone(d.Row):
		return append(lines, "it closed before there was a sample")
	case len(d.Samples) < 2:
		return append(lines, "waiting for samples ...")
	}
	times := make([]time.Time, len(d.Samples))
	for i := range d.Samples {
		times[i] = d.Samples[i].At
	}
	windows, above := m.windows(d.Samples)
	trips := m.roundTrips(d.Samples)
	lines = append(lines, legend(windows, width)...)
	if above != "" {
		lines = append(lines, paint(inkDim, above))
	}
	low := max(height/5, 2)
	high := max(height-len(lines)-low-2, 4)
	lines = append(lines, m.graph(times, windows, width, high, bytesText)...)
	lines = append(lines, legend(trips, width)...)
	lines = append(lines, m.graph(times, trips, width, low, func(v float64) string { return explain.Span(time.Duration(v)) })...)
	return append(lines, m.timeAxis(times, width))
}

// windows are the series in bytes. A peer's window far above all others would press them
// flat: it is said instead of drawn.
func (m *Model) windows(samples []live.Sample) (list []series, above string) {
	bytes := func(of func(s *live.Sample) float64) []float64 {
		values := make([]float64, len(samples))
		for i := range samples {
			values[i] = of(&samples[i])
		}
		return values
	}
	cwnd := series{name: "cwnd", plotLine: plotLine{'c', inkGood, solid, bytes(func(s *live.Sample) float64 { return float64(s.Congestion) * float64(s.MSS) })}}
	threshold := series{name: "ssthresh", plotLine: plotLine{'s', inkBad, dashed, bytes(threshold)}}
	flight := series{name: "in flight", plotLine: plotLine{'f', "36", shaded, bytes(func(s *live.Sample) float64 { return float64(s.InFlight) })}}
	peer := series{name: "peer window", plotLine: plotLine{'p', inkNote, dotted, bytes(func(s *live.Sample) float64 { return float64(s.Peer) })}}
	list = []series{cwnd, threshold, peer, flight}
	if most := max(top(flight.values), top(cwnd.values), top(threshold.values)); most > 0 && least(peer.values) > 4*most {
		above = "peer window " + bytesText(last(peer.values)) + ": above the graph"
		list = []series{cwnd, threshold, flight}
	}
	for i := range list {
		list[i].sample, list[i].last = m.sample(&list[i].plotLine), bytesText(last(list[i].values))
	}
	return list, above
}

// threshold is ssthresh in bytes, none before the first loss.
func threshold(s *live.Sample) float64 {
	if s.Threshold >= sockets.NoThreshold {
		return math.NaN()
	}
	return float64(s.Threshold) * float64(s.MSS)
}

func (m *Model) roundTrips(samples []live.Sample) []series {
	values := make([]float64, len(samples))
	for i := range samples {
		values[i] = float64(samples[i].RTT)
	}
	s := series{name: "srtt", plotLine: plotLine{'t', "35", solid, values}}
	s.sample, s.last = m.sample(&s.plotLine), explain.Span(time.Duration(last(values)))
	return []series{s}
}

// sample shows how a line is drawn.
func (m *Model) sample(l *plotLine) string {
	if m.config.ASCII {
		return strings.Repeat(string(l.letter), 3)
	}
	c := newCanvas(3, 1, false)
	w, h := c.size()
	for x := range w {
		c.column(x, h/2, h/2, l)
	}
	return strings.ReplaceAll(c.lines()[0], " ", nbsp)
}

func legend(list []series, width int) []string {
	var words []string
	for _, s := range list {
		words = append(words, s.sample+nbsp+strings.ReplaceAll(s.name+" "+s.last, " ", nbsp))
	}
	return wrap(strings.Join(words, "  "), width)
}

// axisWidth is what stands left of a graph: figures and a line.
const axisWidth = 9

// graph draws lines over time, with an axis of values from 0 to a round number.
func (m *Model) graph(times []time.Time, list []series, width, height int, text func(float64) string) []string {
	a := axes{from: times[0], to: times[len(times)-1]}
	for _, s := range list {
		a.top = max(a.top, top(s.values))
	}
	a.top = roundTop(a.top)
	c := newCanvas(width-axisWidth, height, m.config.ASCII)
	for i := len(list) - 1; i >= 0; i-- { // the first above the others
		c.plot(a, times, &list[i].plotLine)
	}
	lines := c.lines()
	_, dots := c.size()
	half := height - 1 - dots/2*height/dots
	for i, line := range lines {
		label := ""
		switch {
		case i == 0:
			label = text(a.top)
		case i == height-1:
			label = "0"
		case height >= 3 && i == half:
			label = text(a.top / 2)
		}
		pad := strings.Repeat(" ", max(0, axisWidth-2-ansi.StringWidth(label)))
		lines[i] = pad + label + " " + m.glyphs.tick + line
	}
	return lines
}

// timeAxis says which time the graphs above show: up to now, or to when samples ended.
func (m *Model) timeAxis(times []time.Time, width int) string {
	now, first, last := m.snapshot.At, times[0], times[len(times)-1]
	end := "now"
	if silent := now.Sub(last); silent >= 2*time.Second {
		end = explain.Span(short(silent)) + " ago"
	}
	begin := explain.Span(max(now.Sub(first), last.Sub(first)).Truncate(100*time.Millisecond)) + " ago"
	room := width - axisWidth - len(begin) - len(end) - 2
	return strings.Repeat(" ", axisWidth-1) + m.glyphs.corner + begin + " " + strings.Repeat(m.glyphs.line, max(room, 0)) + " " + end
}

// section is a heading with words behind it.
func (m *Model) section(name string, about ...string) string {
	text := paint(inkHead, name)
	if rest := strings.Join(about, ": "); strings.Trim(rest, ": ") != "" {
		text += paint(inkDim, "  "+rest)
	}
	return text
}

// top is the largest value.
func top(values []float64) float64 {
	most := 0.0
	for _, v := range values {
		if !math.IsNaN(v) {
			most = max(most, v)
		}
	}
	return most
}

// least is the smallest value.
func least(values []float64) float64 {
	less := math.Inf(1)
	for _, v := range values {
		less = min(less, v)
	}
	return less
}

func last(values []float64) float64 { return values[len(values)-1] }

// bytesText writes bytes in three digits, without zeros that say nothing: 14.6 kB; NaN is
// none.
func bytesText(v float64) string {
	if math.IsNaN(v) {
		return "none yet"
	}
	number, unit, _ := strings.Cut(quantity.Bytes(int64(v)), " ")
	if strings.Contains(number, ".") {
		number = strings.TrimRight(strings.TrimRight(number, "0"), ".")
	}
	return number + " " + unit
}
