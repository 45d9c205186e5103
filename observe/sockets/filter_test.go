package sockets

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"dialtone/observe/grammar"
	"dialtone/transport/tcp"
)

// TestWordsAndTheirMeaning holds what is read against its full form, which must read as
// itself.
func TestWordsAndTheirMeaning(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "",
		"port 8000":                      "port 8000",
		"port http or 443":               "(port 80 or port 443)",
		"tcp local port (80 or 81)":      "(tcp local port 80 or tcp local port 81)",
		"src port 80":                    "local port 80",
		"portrange 9-1":                  "portrange 1-9",
		"host 10.0.0.0/8":                "net 10.0.0.0/8",
		"net 10":                         "net 10.0.0.0/8",
		"10.0.0.1":                       "host 10.0.0.1",
		"dst ::ffff:10.0.0.1":            "remote host 10.0.0.1",
		"ip6 host ::1":                   "(ip6 and host ::1)",
		"state CLOSE_WAIT":               "state close-wait",
		"state syn-recv":                 "state syn-rcvd",
		"state estab or unconnected":     "(state established or state unconnected)",
		"not (pid 812 or process nginx)": `not (pid 812 or process \nginx)`,
		`process \and`:                   `process \and`,
		"user 0 and unix":                "(user 0 and unix)",
		"user root":                      "user 0",
	} {
		f, err := ParseFilter(context.Background(), text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if f.String() != want {
			t.Errorf("%q is %q, want %q", text, f, want)
		}
		if again, err := ParseFilter(context.Background(), f.String()); err != nil || again.String() != want {
			t.Errorf("%q reads as %q, %v", want, again, err)
		}
	}
}

func TestMistakesArePointedAt(t *testing.T) {
	for text, want := range map[string]string{
		"port":               "filter, at its end: expected a port, by number or name",
		"prot 80":            `filter, byte 0, "prot": not a word of a filter; did you mean port?`,
		"state close-wiat":   `filter, byte 6, "close-wiat": not a state; did you mean close-wait?`,
		"unix port 80":       `filter, byte 0, "unix": unix does not go before port: write unix and port`,
		"local state listen": `filter, byte 0, "local": state is of no end: leave out local`,
		"tcp local 80":       `filter, byte 10, "80": expected port or portrange`,
		"pid init":           `filter, byte 4, "init": expected a process's number, from 0 to 2147483647`,
		"host 10.0.0.1/8":    `filter, byte 5, "10.0.0.1/8": has bits behind its prefix: write 10.0.0.0/8`,
		"user no-such-one":   `filter, byte 5, "no-such-one": this machine knows no user of that name`,
	} {
		_, err := ParseFilter(context.Background(), text)
		var wrong *grammar.Error
		if !errors.As(err, &wrong) || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestWhatMatches(t *testing.T) {
	server := Socket{
		Network: "tcp", State: State(tcp.CloseWait), Local: netip.MustParseAddrPort("[::ffff:10.0.0.2]:80"),
		Remote: netip.MustParseAddrPort("[::ffff:10.0.0.1]:50000"), UID: 33, Processes: []Process{{812, "nginx"}, {813, "nginx"}},
	}
	pipe := Socket{Network: "unixgram", State: Connected, Path: "/run/x"}
	for _, c := range []struct {
		filter string
		s      Socket
		want   bool
	}{
		{"port 80", server, true},
		{"local port 80", server, true},
		{"remote port 80", server, false},
		{"udp port 80", server, false},
		{"host 10.0.0.0/8 and ip", server, true},
		{"ip6", server, false},
		{"local host 10.0.0.1", server, false},
		{"state close-wait and pid 813", server, true},
		{"process apache or user 33", server, true},
		{"not tcp", server, false},
		{"unix", server, false},
		{"unix and state connected", pipe, true},
		{"port 0", pipe, false},
		{"not port 0", pipe, true},
		{"net 0.0.0.0/0", pipe, false},
	} {
		f, err := ParseFilter(context.Background(), c.filter)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Match(&c.s); got != c.want {
			t.Errorf("%q matches %s %s: %v", c.filter, c.s.Network, c.s.Local, got)
		}
	}
}

// TestOnlyWhatCanMatchIsAskedFor sees what a filter spares the kernel.
func TestOnlyWhatCanMatchIsAskedFor(t *testing.T) {
	for text, want := range map[string]struct {
		networks []string
		states   uint32
		program  bool
	}{
		"":                                {[]string{"tcp", "udp"}, 0x3ffe, false},
		"state listen":                    {[]string{"tcp", "udp"}, 1 << 10, false},
		"not state listen":                {[]string{"tcp", "udp"}, 0x3bfe, false},
		"state listen or port 80":         {[]string{"tcp", "udp"}, 0x3ffe, false},
		"udp or unix":                     {[]string{"udp", "unix"}, 0x3ffe, true},
		"tcp port 80":                     {[]string{"tcp"}, 0x3ffe, true},
		"state time-wait and tcp port 80": {[]string{"tcp"}, 1 << 6, true},
		"port 80 and pid 1":               {[]string{"tcp", "udp"}, 0x3ffe, true},
		"port 80 or pid 1":                {[]string{"tcp", "udp"}, 0x3ffe, false},
		"not (port 80 or pid 1)":          {[]string{"tcp", "udp"}, 0x3ffe, true},
		"state syn-rcvd":                  {[]string{"tcp", "udp"}, 1<<3 | 1<<12, false},
	} {
		f, err := ParseFilter(context.Background(), text)
		if err != nil {
			t.Fatal(err)
		}
		q := Query{Filter: f}
		if got := q.networks(); len(got) != len(want.networks) || got[0] != want.networks[0] {
			t.Errorf("%q asks for %v, want %v", text, got, want.networks)
		}
		if got := kernelMask("tcp", f.states()); got != want.states {
			t.Errorf("%q asks for states %#x, want %#x", text, got, want.states)
		}
		if got := f.program("tcp") != nil; got != want.program {
			t.Errorf("%q has a program: %v", text, got)
		}
	}
}

// FuzzFilter: what is read reads the same from its full form.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{"port 80 and not state listen", "host 10.0.0.0/8 or (pid 1 and user 0)", "tcp local portrange 1-2", `process \x`, "unix"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p := parser{Reader: grammar.NewReader(text, logic), ctx: t.Context(), filter: &Filter{}} // looks no names up
		root, err := p.All(p.unit)
		if err != nil {
			return
		}
		again := parser{Reader: grammar.NewReader(root.String(), logic), ctx: t.Context(), filter: &Filter{}}
		if same, err := again.All(again.unit); err == nil && same.String() != root.String() {
			t.Errorf("%q reads as %q", root, same)
		}
		(&Filter{root: root}).program("tcp")
	})
}

// TestReadingAFilterAsksNobody: names stay what they are until they are looked up.
func TestReadingAFilterAsksNobody(t *testing.T) {
	f, names, err := ReadFilter("tcp and not host db.internal.example or port 80")
	if err != nil || !names {
		t.Fatalf("names %v, %v", names, err)
	}
	if s := (&Socket{Network: "tcp", Local: netip.MustParseAddrPort("10.0.0.1:5")}); !f.Match(s) {
		t.Error("the name matches an address")
	}
	for text, want := range map[string]string{"port": "filter, at its end: ", "host 10.0.0.1": ""} {
		_, names, err := ReadFilter(text)
		if names || (err != nil) != (want != "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: names %v, %v", text, names, err)
		}
	}
}
