// Package capture gets frames: from pcap and pcapng files, from a stream of one,
// from a live interface, and takes them apart.
//
//	file, err := capture.Open("web.pcapng.zst")
//	…
//	var packet capture.Packet
//	var fragments capture.Reassembler
//	for {
//		record, err := file.Next()
//		… // io.EOF at the end
//		capture.Decode(record, &packet)
//		if whole := fragments.Add(&packet); whole != nil {
//			whole.Verify() // where checksums matter
//			…
//		}
//	}
//
// A [Source] hands out a [Record] for each frame; [Decode] says what is nested in
// what inside it, in a [Packet] that package observe/flow follows and
// observe/ladder draws. Nothing is copied on the way: a record of a file is a slice
// of the mapped file, and is valid until the next one.
//
// An [Archive] goes back to a frame by its Offset, so that an index of a capture
// takes eight bytes a frame. A [File] is one unless it is a stream or compressed; a
// [Spool] makes one of any Source.
//
// # Limits
//
// A frame has at most 16 MiB; of a stream at most a window of 1 MiB or one frame is
// held. A file that is cut short or damaged gives every whole frame before it gives
// one error with the offset. Tunnels (GRE, IP in IP) are not looked into, nor is what
// is encrypted.
package capture
