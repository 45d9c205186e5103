package filter_test

import (
	"testing"

	"dialtone/observe/capture"
)

var seeds = []string{
	"", "tcp", "host 10.0.0.1 and not port 80", "src and dst net 10/8 or ip6 net 2001:db8::/32",
	"vlan 5 and (udp dst portrange 53-80 or icmp6)", "ether src host 02:00:00:00:00:01 && less 64 || greater 70",
	"label zero-window and not state established", "closed-by rst or stream 3", `host \both or arp`, "ip proto 47",
}

// FuzzParse: what is read reads the same from its full form, and compiles or is too long.
func FuzzParse(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := config.Parse(ctx, text)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error says nothing")
			}
			return
		}
		again, err := config.Parse(ctx, e.String())
		if err == nil && again.String() != e.String() { // parentheses make it longer, perhaps too long
			t.Errorf("%q reads as %q", e, again)
		}
		_, _ = e.Kernel(capture.LinkEthernet)
	})
}

// FuzzProgram: a program takes whatever its expression matches.
func FuzzProgram(f *testing.F) {
	frame := []byte{0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 2, 10, 0, 0, 3}
	frame = append(frame, 0, 80, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0, 0, 0, 0, 0, 0, 0)
	for i, s := range seeds {
		f.Add(s, byte(i), frame)
	}
	f.Fuzz(func(t *testing.T, text string, l byte, frame []byte) {
		e, err := config.Parse(ctx, text)
		if err != nil {
			return
		}
		link := linkTypes[int(l)%len(linkTypes)]
		p, err := e.Program(link)
		if err != nil {
			return
		}
		takes := load(t, p).takes(t, frame)
		packet := decode(link, frame)
		for _, s := range []subject{{}, {labels: []string{"zero-window"}, stream: 3, closed: []string{"rst"}}} {
			if !takes && e.Match(packet, s) {
				t.Errorf("%q matches % x of link type %d, its program does not take it", e, frame, link)
			}
		}
	})
}
