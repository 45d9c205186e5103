package filter_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"dialtone/observe/filter"
)

// config knows three hosts and some labels.
var config = filter.Config{
	Labels: []string{"retransmission", "zero-window", "out-of-order"},
	LookupHost: func(_ context.Context, name string) ([]netip.Addr, error) {
		hosts := map[string][]netip.Addr{
			"alpha": {netip.MustParseAddr("10.0.0.1")},
			"both":  {netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("::ffff:10.0.0.3"), netip.MustParseAddr("2001:db8::2")},
			"v6":    {netip.MustParseAddr("2001:db8::6")},
		}
		if list, ok := hosts[name]; ok {
			return list, nil
		}
		return nil, errors.New("no such host")
	},
}

// ctx is that of every test.
var ctx = context.Background()

func parse(t fataler, text string) *filter.Expr {
	t.Helper()
	e, err := config.Parse(ctx, text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return e
}

// TestWordsAndTheirMeaning holds what is read against its full form, which must read
// as itself.
func TestWordsAndTheirMeaning(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "",
		"tcp":                              "tcp",
		"10.0.0.1":                         "host 10.0.0.1",
		"10.0.0.0/8":                       "net 10.0.0.0/8",
		"host ::ffff:10.0.0.1":             "host 10.0.0.1",
		"src 2001:db8::1":                  "src host 2001:db8::1",
		"dst net 192.168":                  "dst net 192.168.0.0/16",
		"net 10":                           "net 10.0.0.0/8",
		"net 10.0.0.0 mask 255.0.0.0":      "net 10.0.0.0/8",
		"net 10.16/12":                     "net 10.16.0.0/12",
		"src or dst port 80":               "port 80",
		"src and dst net 10/8":             "src and dst net 10.0.0.0/8",
		"port http":                        "port 80",
		"udp dst port domain":              "udp dst port 53",
		"port 0x50":                        "port 80",
		"portrange 8080-8000":              "portrange 8000-8080",
		"portrange ftp-ssh":                "portrange 21-22",
		"tcp src portrange 1-2":            "tcp src portrange 1-2",
		"arp host 10.0.0.1":                "arp host 10.0.0.1",
		"ip6 dst net fe80::/10":            "ip6 dst net fe80::/10",
		"ip proto tcp":                     "ip proto 6",
		"proto 6":                          "tcp",
		"ip6 proto 58":                     "icmp6",
		"ether proto 0x806":                "ether proto 0x0806",
		`ether proto \arp`:                 "arp",
		"ether dst 2:0:0:0:0:1":            "",
		"ether src host 02-00-00-00-00-0A": "ether src host 02:00:00:00:00:0a",
		"vlan":                             "vlan",
		"vlan and tcp":                     "(vlan and tcp)",
		"vlan 7 or less 60":                "(vlan 7 or less 60)",
		"greater 1000":                     "greater 1000",

		"tcp and udp or icmp":                 "((tcp and udp) or icmp)",
		"tcp or udp and icmp":                 "((tcp or udp) and icmp)", // from left to right
		"tcp||udp&&icmp":                      "((tcp or udp) and icmp)",
		"not tcp and udp":                     "(not tcp and udp)",
		"!(tcp or udp)":                       "not (tcp or udp)",
		"! ! tcp":                             "not not tcp",
		"port 80 or 443":                      "(port 80 or port 443)",
		"port (80 or https)":                  "(port 80 or port 443)",
		"not host 10.0.0.1 and 10.0.0.2":      "(not host 10.0.0.1 and host 10.0.0.2)",
		"src host (10.0.0.1 or not 10.0.0.2)": "(src host 10.0.0.1 or not src host 10.0.0.2)",
		"tcp dst port 80 or 81 or udp":        "((tcp dst port 80 or tcp dst port 81) or udp)",

		"host alpha":    "host 10.0.0.1",
		"src host both": "((src host 10.0.0.2 or src host 10.0.0.3) or src host 2001:db8::2)",
		"ip6 host both": "ip6 host 2001:db8::2",
		`host \alpha`:   "host 10.0.0.1",
		"dst alpha":     "dst host 10.0.0.1",

		"state close-wait":     "state close-wait",
		"state SYN_RCVD":       "state syn-rcvd",
		"label Zero-Window":    "label zero-window",
		"stream 3 and port 80": "(stream 3 and port 80)",
		"closed-by rst":        "closed-by rst",
		"closed-by server":     "closed-by server",
	} {
		e, err := config.Parse(ctx, text)
		if text == "ether dst 2:0:0:0:0:1" { // each byte has two digits
			if err == nil {
				t.Errorf("%q was read as %q", text, e)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := e.String(); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
		if again := parse(t, e.String()); again.String() != e.String() {
			t.Errorf("%q reads as %q", e, again)
		}
	}
}

func TestErrorsPointAtTheWord(t *testing.T) {
	deep := strings.Repeat("(", 70) + "tcp"
	for text, want := range map[string]string{
		"prot 80":                               `byte 0, "prot": not a word of a filter; did you mean port?`,
		"tpc and udp":                           `byte 0, "tpc": not a word of a filter; did you mean tcp?`,
		"something":                             `byte 0, "something": not a word of a filter: there are ether,`,
		"tcp and":                               `at its end: expected a term`,
		"tcp and )":                             `byte 8, ")": expected a term`,
		"tcp udp":                               `byte 4, "udp": expected and, or, or the end`,
		"(tcp":                                  `byte 0, "(": this ( is not closed`,
		"(tcp udp)":                             `byte 5, "udp": expected and, or, or )`,
		"tcp)":                                  `byte 3, ")": no ( is open`,
		"host":                                  `at its end: expected an address or a host's name`,
		"host and tcp":                          `byte 5, "and": expected an address`,
		"port 65536":                            `byte 5, "65536": expected a port: a number from 0 to 65535`,
		"port nosuchservice":                    `byte 5, "nosuchservice": expected a port`,
		"port 80-90":                            `byte 5, "80-90": a range of ports: write portrange`,
		"portrange 80":                          `byte 10, "80": expected two ports and a hyphen`,
		"tcp 80":                                `byte 4, "80": expected and, or, or the end`,
		"tcp dst 80":                            `byte 8, "80": expected port or portrange`,
		"tcp host 10.0.0.1":                     `byte 0, "tcp": tcp does not go before host: write tcp and host`,
		"ip port 80":                            `byte 0, "ip": ip does not go before port: write ip and port`,
		"src proto 6":                           `byte 0, "src": proto has no direction`,
		"net 10.1.2.3/8":                        `byte 4, "10.1.2.3/8": has bits behind its prefix: write 10.0.0.0/8`,
		"host 10.0.0.0/8":                       `byte 5, "10.0.0.0/8": a host has no prefix length: write net`,
		"net 10.0.0.0 mask 1.2.3.4":             `byte 4, "10.0.0.0": expected an address`,
		"net 10.0.0.0 mask":                     `expected`,
		"host fe80::1%eth0":                     `byte 5, "fe80::1%eth0": an address on the wire has no zone`,
		"ip6 host 10.0.0.1":                     `byte 9, "10.0.0.1": not an address of ip6`,
		"ip host v6":                            `byte 8, "v6": this host has no address of ip`,
		"host beta":                             `byte 5, "beta": neither a word of a filter nor a host that is known: no such host`,
		"host a/b":                              `byte 5, "a/b": expected an address`,
		"ether":                                 `at its end: expected host or proto behind ether`,
		"ether host 1.2.3.4":                    `byte 11, "1.2.3.4": expected an Ethernet address`,
		"vlan 4096":                             `byte 5, "4096": expected a VLAN's ID, from 0 to 4095`,
		"less -1":                               `byte 5, "-1": expected a length in bytes`,
		"ip proto 256":                          `byte 9, "256": expected a protocol's number, from 0 to 255`,
		"state open":                            `byte 6, "open": not a TCP state: there are listen, syn-sent,`,
		"state establish":                       `byte 6, "establish": not a TCP state; did you mean established?`,
		"label retransmision":                   `byte 6, "retransmision": not a label; did you mean retransmission?`,
		"stream 0":                              `byte 7, "0": conversations are numbered from 1`,
		"closed-by me":                          `byte 10, "me": not what closes a conversation: there are client, server, fin, rst`,
		"tcp[13] & 2 != 0":                      `byte 0, "tcp[13]": not a word of a filter`,
		deep:                                    `byte 64, "(": nested too deep`,
		strings.Repeat("tcp or ", 1100) + "tcp": `an expression has at most 2048 words`,
	} {
		e, err := config.Parse(ctx, text)
		if err == nil {
			t.Errorf("%q was read as %q", text, e)
			continue
		}
		var fault *filter.Error
		if !errors.As(err, &fault) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v\nwant %s", text, err, want)
		}
	}
}

// TestNamesAreLookedUpOnce and not before the whole expression is known to be one.
func TestNamesAreLookedUpOnce(t *testing.T) {
	asked := 0
	c := filter.Config{LookupHost: func(context.Context, string) ([]netip.Addr, error) {
		asked++
		return []netip.Addr{netip.MustParseAddr("10.0.0.1")}, nil
	}}
	if _, err := c.Parse(ctx, "host www.example and prot 80"); err == nil || asked != 0 {
		t.Errorf("%v; %d look-ups for an expression that is none", err, asked)
	}
	if _, err := c.Parse(ctx, "host www.example and port 80"); err != nil || asked != 1 {
		t.Errorf("%v; %d look-ups, want 1", err, asked)
	}
}

// TestPacketIsTheSoundPart shows what the kernel may decide.
func TestPacketIsTheSoundPart(t *testing.T) {
	for text, want := range map[string]string{
		"port 80":                                           "port 80",
		"label zero-window":                                 "",
		"not label zero-window":                             "",
		"port 80 and state closing":                         "port 80",
		"port 80 or state closing":                          "",
		"not (port 80 or state closing)":                    "not port 80",
		"not (port 80 and state closing)":                   "",
		"(stream 1 or tcp) and not (udp and closed-by rst)": "",
		"tcp and (stream 1 or port 80)":                     "tcp",
	} {
		e := parse(t, text)
		if got := e.Packet().String(); got != want {
			t.Errorf("%q: the kernel decides %q, want %q", text, got, want)
		}
		if alone := e.ByPacket(); alone != (e.String() == e.Packet().String()) {
			t.Errorf("%q: decided by packets alone: %v", text, alone)
		}
		if !e.Packet().ByPacket() {
			t.Errorf("%q: the kernel's part needs conversations", text)
		}
	}
}
