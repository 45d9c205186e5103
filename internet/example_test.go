package internet_test

import (
	"fmt"

	"dialtone/internet"
)

// An echo request is put together from the inside out, and taken apart again.
func Example() {
	icmp := internet.ICMPHeader{Type: internet.ICMPv4Echo}
	icmp.SetEcho(7, 1)
	ip := internet.IPv4{TTL: 64, Protocol: internet.ICMP, Src: [4]byte{192, 0, 2, 1}, Dst: [4]byte{192, 0, 2, 2}}

	packet := ip.Append(nil)
	start := len(packet)
	packet = append(icmp.Append(packet), "hello"...)
	internet.FillICMPv4(packet[start:])
	internet.FillIPv4(packet)

	h, msg, err := internet.ParseIPv4(packet)
	if err != nil {
		fmt.Println(err)
		return
	}
	echo, data, err := internet.ParseICMP(msg)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(h.Protocol, h.TotalLength, internet.CheckIPv4(packet))
	fmt.Printf("%s %q %v\n", echo.Name(h.Protocol), data, internet.CheckICMPv4(msg))
	// Output:
	// ICMP 33 true
	// echo request "hello" true
}

// What is no header says where and why.
func ExampleParseIPv4_lying() {
	_, _, err := internet.ParseIPv4([]byte("\x44 twenty bytes are here"))
	fmt.Println(err)
	// Output: IPv4 header, byte 0: header length below 20 bytes
}

// Options are walked until an error, which is ErrEnd behind the last.
func ExampleIPv4Options() {
	list := internet.IPv4Options{148, 4, 0, 0, 1, 0}
	for option, rest, err := list.Next(); err == nil; option, rest, err = rest.Next() {
		fmt.Println(option.Kind, option.Data)
	}
	// Output:
	// router alert [0 0]
	// no operation []
	// end of options []
}
