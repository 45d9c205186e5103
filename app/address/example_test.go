package address_test

import (
	"fmt"

	"dialtone/app/address"
)

func ExampleParse() {
	a, err := address.Parse("tls://[fe80::1%eth0]:8443")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(a.Scheme, a.Network(), a.Host, a.Port, a.Secure())
	fmt.Println(a)
	// Output:
	// tls tcp fe80::1%eth0 8443 true
	// tls://[fe80::1%eth0]:8443
}

func ExampleError() {
	_, err := address.Parse("127.0.0.1:70000")
	fmt.Println("error:", err)
	fmt.Println("hint:", err.(*address.Error).Hint)
	// Output:
	// error: address "127.0.0.1:70000": port 70000 is above 65535
	// hint: ports are 0 to 65535, or a service name such as http
}

func ExampleSchemes() {
	fmt.Println(address.Schemes())
	// Output: [tcp tcp4 tcp6 udp udp4 udp6 tls ws wss unix]
}
