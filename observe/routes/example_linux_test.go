package routes_test

import (
	"fmt"
	"net/netip"

	"dialtone/observe/routes"
)

func ExampleTo() {
	r, err := routes.To(netip.MustParseAddr("127.0.0.1"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Kind, r.Interface.Name, r.Source, r.NextHop.IsValid())
	// Output: local lo 127.0.0.1/8 false
}

func ExampleNeighbors() {
	list, err := routes.Neighbors()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, n := range list {
		fmt.Println(n.Addr, n.HardwareAddr, n.Interface, n.State)
	}
}

func ExampleInterfaces() {
	list, err := routes.Interfaces()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, i := range list {
		if i.Loopback {
			fmt.Println(i.Prefixes[0])
		}
	}
	// Output: 127.0.0.1/8
}
