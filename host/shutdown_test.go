package host

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"dialtone/link/sim"
)

// TestShutdownWaitsForWhatWasWritten: a host that is shut down behind Close still brings
// over all bytes, lost ones too; its peer sees no reset.
func TestShutdownWaitsForWhatWasWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cable := sim.NewCable(sim.Config{Delay: 50 * time.Millisecond, Loss: 0.05, Seed: 3})
		defer cable.Close()
		a, b := New("a", Attach(cable.A(), "10.0.0.1/24")), New("b", Attach(cable.B(), "10.0.0.2/24"))
		defer b.Close()
		ln, err := b.Listen(t.Context(), "tcp", ":80")
		if err != nil {
			t.Fatal(err)
		}
		c, err := a.DialContext(t.Context(), "tcp", "10.0.0.2:80")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			c.Write(make([]byte, 1<<20))
			c.Close()
			if err := a.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
		}()
		d, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(d)
		d.Close()
		synctest.Wait()
		if len(got) != 1<<20 || err != nil {
			t.Errorf("%d bytes arrived, %v", len(got), err)
		}
		// What the application has not closed is not waited for, nor what never ends.
		b.Shutdown(t.Context())
	})
}

// TestShutdownGivesUp: a peer that does not read holds it up for as long as ctx says,
// one that does not close for a second.
func TestShutdownGivesUp(t *testing.T) {
	for _, test := range []struct {
		size int
		want time.Duration
		err  error
	}{
		{1, time.Second, nil},
		{32 << 20, time.Minute, context.DeadlineExceeded},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := New("alone")
			c, _ := join(t, h)
			go c.Write(make([]byte, test.size))
			synctest.Wait()
			c.Close()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			begin := time.Now()
			if err := h.Shutdown(ctx); err != test.err || time.Since(begin) != test.want {
				t.Errorf("%d bytes: %v after %v", test.size, err, time.Since(begin))
			}
		})
	}
}
