package flow_test

import (
	"context"
	"fmt"
	"io"
	"sync"

	"dialtone/host"
	"dialtone/link/sim"
	"dialtone/observe/capture"
	"dialtone/observe/flow"
)

// What a simulated cable carries between two hosts of our own is followed like any
// capture.
func ExampleTracker_cable() {
	var packet capture.Packet
	tracker := flow.New(flow.Config{})
	recorder := capture.NewRecorder(func(r *capture.Record) {
		capture.Decode(r, &packet)
		packet.Verify()
		event := tracker.Add(&packet)
		if event == nil { // ARP
			return
		}
		for _, f := range event.Findings {
			fmt.Printf("%v: %v, %v\n", event.Talk.Ends[event.From].Addr.Addr(), f.Label, event.After)
		}
	})
	cable := sim.NewCable(sim.Config{TapA: recorder.Tap(0)})
	a := host.New("a", host.Attach(cable.A(), "10.0.0.1/24"))
	b := host.New("b", host.Attach(cable.B(), "10.0.0.2/24"))

	ln, _ := b.Listen(context.Background(), "tcp", ":80")
	var served sync.WaitGroup
	served.Go(func() {
		c, _ := ln.Accept()
		question, _ := io.ReadAll(c)
		fmt.Fprintf(c, "%s, too", question)
		c.Close()
	})
	c, _ := a.DialContext(context.Background(), "tcp", "10.0.0.2:80")
	io.WriteString(c, "hello")
	c.(*host.TCPConn).CloseWrite()
	answer, _ := io.ReadAll(c)
	c.Close()
	served.Wait()
	a.Shutdown(context.Background())
	b.Shutdown(context.Background())
	cable.Close()
	fmt.Printf("%s\n", answer)
	// Output:
	// 10.0.0.1: SYN, [SYN_SENT unknown]
	// 10.0.0.2: SYN+ACK, [SYN_SENT SYN_RCVD]
	// 10.0.0.1: handshake complete, [ESTABLISHED ESTABLISHED]
	// 10.0.0.1: FIN, [FIN_WAIT_1 ESTABLISHED]
	// 10.0.0.2: half-close, [FIN_WAIT_2 CLOSE_WAIT]
	// 10.0.0.2: final FIN, [FIN_WAIT_2 LAST_ACK]
	// 10.0.0.1: final ACK, [TIME_WAIT CLOSED]
	// hello, too
}
