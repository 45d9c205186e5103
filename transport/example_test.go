package transport_test

import (
	"fmt"

	"dialtone/internet"
	"dialtone/transport"
	"dialtone/transport/udp"
)

// The pseudo-header binds a datagram to the addresses that it travels between.
func ExamplePseudoSum4() {
	h := udp.Header{SrcPort: 5353, DstPort: 53}
	datagram := append(h.Append(nil), "hello"...)

	a, b, c := [4]byte{10, 0, 0, 1}, [4]byte{10, 0, 0, 2}, [4]byte{10, 0, 0, 3}
	udp.Fill(transport.PseudoSum4(a, b, internet.UDP, len(datagram)), datagram)

	fmt.Println(udp.Check(transport.PseudoSum4(a, b, internet.UDP, len(datagram)), datagram))
	fmt.Println(udp.Check(transport.PseudoSum4(a, c, internet.UDP, len(datagram)), datagram))
	// Output:
	// true
	// false
}
