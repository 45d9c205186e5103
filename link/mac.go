package link

import (
	"encoding/hex"
	"fmt"
	"net"
)

// MAC is an EUI-48 address (IEEE 802 §8.2).
type MAC [6]byte

// ParseMAC reads an address in one of the notations of [net.ParseMAC]:
// 02:00:5e:10:00:01, 02-00-5e-10-00-01 or 0200.5e10.0001.
func ParseMAC(s string) (MAC, error) {
	long, err := net.ParseMAC(s)
	if err != nil || len(long) != len(MAC{}) {
		return MAC{}, fmt.Errorf("MAC address %.40q: want six bytes like 02:00:5e:10:00:01", s)
	}
	return MAC(long), nil
}

// String writes the address as 02:00:5e:10:00:01.
func (m MAC) String() string {
	var text [17]byte
	for i, b := range m {
		hex.Encode(text[3*i:], []byte{b})
		if i < len(m)-1 {
			text[3*i+2] = ':'
		}
	}
	return string(text[:])
}

// IsBroadcast says whether m is ff:ff:ff:ff:ff:ff.
func (m MAC) IsBroadcast() bool {
	return m == MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
}

// IsMulticast says whether m stands for a group of stations, all of them included:
// the individual/group bit (IEEE 802 §8.2).
func (m MAC) IsMulticast() bool { return m[0]&1 != 0 }

// IsLocal says whether m was made up locally and not bought: the
// universal/local bit (IEEE 802 §8.2).
func (m MAC) IsLocal() bool { return m[0]&2 != 0 }
