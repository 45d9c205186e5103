package link_test

import (
	"fmt"

	"dialtone/link"
)

// A frame from the outside in: its header, its tags, the ARP packet in it.
func Example() {
	frame := []byte("\xff\xff\xff\xff\xff\xff\x02\x00\x00\x00\x00\x01\x81\x00\x00\x0a\x08\x06" +
		"\x00\x01\x08\x00\x06\x04\x00\x01\x02\x00\x00\x00\x00\x01\x0a\x00\x00\x01\x00\x00\x00\x00\x00\x00\x0a\x00\x00\x02")
	h, payload, err := link.ParseEthernet(frame)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(h.Src, "to", h.Dst, "carries", h.Type)
	for tags := h.Tags; len(tags) > 0; {
		var tag link.Tag
		if tag, tags, err = link.ParseTag(tags); err == nil {
			fmt.Println("VLAN", tag.ID(), "by a tag of", tag.Type)
		}
	}
	if arp, _, err := link.ParseARP(payload); err == nil {
		fmt.Println(&arp)
	}
	// Output:
	// 02:00:00:00:00:01 to ff:ff:ff:ff:ff:ff carries ARP
	// VLAN 10 by a tag of 802.1Q
	// who has 10.0.0.2? tell 10.0.0.1
}

func ExampleEthernet_Append() {
	h := link.Ethernet{Dst: link.MAC{2, 0, 0, 0, 0, 2}, Src: link.MAC{2, 0, 0, 0, 0, 1}, Type: link.TypeIPv4}
	h.Tags = link.Tag{Type: link.TypeVLAN, Control: 10}.Append(nil)
	fmt.Printf("% x\n", h.Append(nil))
	// Output: 02 00 00 00 00 02 02 00 00 00 00 01 81 00 00 0a 08 00
}
