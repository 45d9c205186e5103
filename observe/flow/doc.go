// Package flow follows conversations: every TCP connection and UDP exchange of a
// capture, its two ends, their states as far as a third party can know them, and a
// label with its reason on every segment that means something.
//
//	tracker := flow.New(flow.Config{})
//	for {
//		record, err := source.Next()
//		…
//		capture.Decode(record, &packet)
//		event := tracker.Add(&packet) // what this packet did
//	}
package flow
