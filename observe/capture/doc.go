// Package capture gets frames: from pcap and pcapng files, from a stream of one,
// from a live interface, and takes them apart.
//
// A [Source] hands out a [Record] for each frame; [Decode] says what is nested in
// what inside it, in a [Packet] that package observe/flow follows and
// observe/ladder draws. Nothing is copied on the way: a record of a file is a slice
// of the mapped file.
package capture
