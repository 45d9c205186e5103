// Package tap is a link to the Linux kernel: a TAP device, whose other end is an
// Ethernet interface of the kernel's.
//
//	device, err := tap.Open(tap.Config{Name: "tap0", Prefix: netip.MustParsePrefix("10.0.0.1/24")})
//	if err != nil { … }
//	defer device.Close()
//	h := host.New("h", host.Attach(device, "10.0.0.2/24")) // now ping 10.0.0.2
//
// Frames carry what is left to do with them (IFF_VNET_HDR): the kernel fills in and
// believes checksums as [link.Offload] says, and cuts super-frames that are sent. Where
// it is allowed to, it hands over such frames itself, and gets segments that are sent
// together as one. Elsewhere than on Linux, Open fails.
package tap
