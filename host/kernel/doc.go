// Package kernel holds no code: its tests set a host on a TAP device against Linux, in
// both roles, with the programs that people use: ping, curl, nc, ssh, iperf3.
//
// Each test has a network namespace of its own, so that they need root; what passes is
// captured at the host and held against what package observe/flow and tshark say of it:
// no label that was not caused. Sizes and waits are small unless DIALTONE_LONG is set:
// then a GiB goes each way, 10,000 connections are made and a window stays shut for a
// minute. DIALTONE_KEEP=DIR keeps
// the captures of tests that fail in a folder.
package kernel
