package capture_test

import (
	"bytes"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"dialtone/host"
	"dialtone/link/sim"
	"dialtone/observe/capture"
)

// TestRecorderWritesWhatAHostSees: the file that is made of a host's port has every
// frame once, in the order of time, whole and with good checksums.
func TestRecorderWritesWhatAHostSees(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var file bytes.Buffer
		w, err := capture.NewPcapngWriter(&file, "")
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		recorder := capture.NewRecorder(func(r *capture.Record) {
			seen++
			if err := w.Write(r); err != nil {
				t.Error(err)
			}
		})
		cable := sim.NewCable(sim.Config{Delay: 10 * time.Millisecond, TapB: recorder.Tap(1)})
		defer cable.Close()
		a := host.New("a", host.Attach(recorder.Port(0, cable.A()), "10.0.0.1/24"))
		defer a.Close()
		b := host.New("b", host.Attach(cable.B(), "10.0.0.2/24"))
		defer b.Close()
		if _, err := a.Ping(t.Context(), "10.0.0.2", host.Ping{Size: 100}); err != nil {
			t.Fatal(err)
		}
		recorder.Close()
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}

		source, err := capture.NewReader(&file)
		if err != nil {
			t.Fatal(err)
		}
		var packet capture.Packet
		var last, out [2]int64
		kinds := map[capture.Kind]int{}
		for n := int64(1); ; n++ {
			r, err := source.Next()
			if err == io.EOF {
				if int(n)-1 != seen {
					t.Errorf("%d records of %d", n-1, seen)
				}
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			capture.Decode(r, &packet)
			packet.Verify()
			if r.Number != n || r.Time < last[r.Interface] || packet.Err != nil || packet.Checksum == capture.ChecksumBad {
				t.Errorf("record %+v, packet %+v", r, packet)
			}
			last[r.Interface] = r.Time
			if r.Hints&capture.HintOut != 0 {
				out[r.Interface]++
			}
			for _, l := range packet.Layers() {
				kinds[l.Kind]++
			}
		}
		// Question and answer, of ARP and of ICMP, each seen at both ends.
		if kinds[capture.KindARP] != 4 || kinds[capture.KindICMPv4] != 4 || out != [2]int64{2, 2} {
			t.Errorf("%v, sent %v", kinds, out)
		}
	})
}
