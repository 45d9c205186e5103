package live

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"dialtone/observe/sockets"
	"dialtone/transport/tcp"
)

// paced is a probe that has a sample every 10 ms.
type paced struct {
	next time.Time
	err  error // of the 100th
	n    int
}

func (p *paced) Sampled() sockets.Sampled { return sockets.Sampled{Name: "paced"} }
func (p *paced) Close() error             { return nil }

func (p *paced) Read(until time.Time, each func(Sample)) error {
	for ; p.next.Before(until); p.next = p.next.Add(10 * time.Millisecond) {
		time.Sleep(time.Until(p.next))
		if p.n++; p.n == 100 && p.err != nil {
			return p.err
		}
		each(Sample{At: p.next, Congestion: uint32(p.n)})
	}
	time.Sleep(time.Until(until))
	return nil
}

func TestAnInspectionSamples(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := feed(t, Config{Probe: func(sockets.Socket) (sockets.Probe, error) { return &paced{next: time.Now()}, nil }})
		f.now = time.Now().Add(-500 * time.Millisecond)
		f.look(tcpRow(1, tcp.Established))
		sub := f.Subscribe(0)
		defer sub.Close()
		<-sub.Ready()
		if _, err := f.Inspect(2); !errors.Is(err, ErrGone) {
			t.Errorf("connection 2: %v, want that it is gone", err)
		}
		i, err := f.Inspect(1)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		<-sub.Ready()
		d := i.Detail()
		if n := len(d.Samples); n < 100 || n > 102 || d.Samples[n-1].Congestion < 99 || d.Sampled.Name != "paced" {
			t.Errorf("%d samples of %q in a second", n, d.Sampled.Name)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		d = i.Detail()
		if n := len(d.Samples); n > MaxSamples || n < MaxSamples/2 || d.Samples[0].At.Sub(f.now) > time.Second || time.Since(d.Samples[n-1].At) > time.Second {
			t.Errorf("%d samples from %v to %v, want the whole minute", n, d.Samples[0].At, d.Samples[n-1].At)
		}
		for n := range len(d.Samples) - 1 {
			if !d.Samples[n].At.Before(d.Samples[n+1].At) {
				t.Fatal("samples are not in order")
			}
		}
		f.now = time.Now()
		f.tell(1, tcp.Established, tcp.Closed)
		f.now = f.now.Add(time.Minute)
		f.look()
		if d := i.Detail(); d.Row == nil || d.Row.Closed.IsZero() || len(d.History) != 1 || f.Snapshot().Row(1) != nil {
			t.Errorf("a connection that is gone is %+v", d.Row)
		}
		i.Close()
		i.Close()
	})
}

func TestAnInspectionSaysWhyItEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		f := feed(t, Config{Probe: func(sockets.Socket) (sockets.Probe, error) { return &paced{next: time.Now(), err: broken}, nil }})
		f.look(tcpRow(1, tcp.Established))
		i, err := f.Inspect(1)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if d := i.Detail(); !errors.Is(d.Err, broken) || len(d.Samples) < 99 {
			t.Errorf("%d samples, then %v", len(d.Samples), d.Err)
		}
	})
}

// TestLooksAreSamplesToo, of a connection on which nothing arrives.
func TestLooksAreSamplesToo(t *testing.T) {
	silent := func(sockets.Socket) (sockets.Probe, error) { return nil, errors.New("none") }
	f := feed(t, Config{Probe: silent})
	row := tcpRow(1, tcp.Established)
	row.Info.Windows.Congestion = 10
	f.look(row)
	i, err := f.Inspect(1)
	if err != nil {
		t.Fatal(err)
	}
	f.look(row)
	f.look() // passed over
	if d := i.Detail(); len(d.Samples) != 2 || d.Samples[0].Congestion != 10 {
		t.Errorf("samples %+v, want two", d.Samples)
	}
}

func TestInspectionsAreBounded(t *testing.T) {
	f := feed(t, Config{})
	f.look(udpRow(1)) // which has no window
	var last *Inspection
	for range MaxInspections {
		i, err := f.Inspect(1)
		if err != nil {
			t.Fatal(err)
		}
		last = i
	}
	if _, err := f.Inspect(1); !errors.Is(err, errBusy) {
		t.Errorf("one more: %v", err)
	}
	last.Close()
	if _, err := f.Inspect(1); err != nil {
		t.Error(err)
	}
}
