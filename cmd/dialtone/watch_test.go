package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"dialtone/observe/sockets"
	"dialtone/transport/tcp"
)

// someSockets are one of each kind that a table treats in its own way.
func someSockets() []*sockets.Socket {
	at := netip.MustParseAddrPort
	return []*sockets.Socket{
		{Network: "tcp", State: sockets.State(tcp.Listen), Local: at("[::]:80"), SendQueue: 128, Inode: 1, User: "root", Processes: []sockets.Process{{PID: 7, Name: "a\x1b[2J"}}},
		{Network: "tcp", State: sockets.State(tcp.Listen), Local: at("[::]:81"), IPv6Only: true, Inode: 2, Hidden: true},
		{
			Network: "tcp", State: sockets.State(tcp.CloseWait), Local: at("[::ffff:10.0.0.2]:80"), Remote: at("[::ffff:10.0.0.1]:5"), Inode: 3,
			Info:      &sockets.Info{RTT: sockets.RTT{Smooth: 1250 * time.Microsecond}, Times: sockets.Times{SinceAck: 190 * time.Second}, Counts: sockets.Counts{Retransmitted: 3}},
			Processes: []sockets.Process{{PID: 1, Name: "x"}, {PID: 2, Name: "y"}, {PID: 3, Name: "z"}, {PID: 4, Name: "w"}},
		},
		{Network: "tcp", State: sockets.State(tcp.TimeWait), Local: at("10.0.0.2:80"), Remote: at("10.0.0.1:6"), Timer: sockets.Timer{Kind: 3, Left: 20 * time.Second}},
		{Network: "unix", State: sockets.Connected, Path: "/run/\u202e日本", Peer: 9, Inode: 4},
	}
}

func tableText(room int, names ...string) string {
	f := watchFlags{columns: strings.Join(names, ",")}
	var out strings.Builder
	rows := someSockets()
	newWatchTable(f.chosen(), rows).write(&out, room, f.findings())
	return out.String()
}

func TestTheTableOfSockets(t *testing.T) {
	want := strings.TrimPrefix(`
PROTO  STATE       LOCAL            REMOTE      AGE    RECV  SEND    RTT  RETRANS  PROCESS
tcp    LISTEN      *:80             -              -     0   128      -        -  a\x1b[2J/7
tcp    LISTEN      [::]:81          -              -     0     0      -        -  ?
tcp    CLOSE_WAIT  10.0.0.2:80      10.0.0.1:5  3.2min+     0     0  1.2ms        3  x/1 y/2 and 2 more
  ! CLOSE_WAIT for 3 min: pid 1, or another of 4, got the peer's FIN and never closed
tcp    TIME_WAIT   10.0.0.2:80      10.0.0.1:6   40s     0     0      -        -  -
unix   CONNECTED   /run/\u202e日本  inode 9        -     0     0      -        -  -
`, "\n")
	if got := tableText(0); squeeze(got) != squeeze(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// squeeze makes runs of spaces one.
func squeeze(s string) string {
	var lines []string
	for line := range strings.Lines(s) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return strings.Join(lines, "\n")
}

// TestEveryWidthFits: no line is wider than the terminal, and each column begins where its
// title does.
func TestEveryWidthFits(t *testing.T) {
	for room := 40; room < 140; room++ {
		text := tableText(room)
		for line := range strings.Lines(text) {
			if w := columns(strings.TrimSuffix(line, "\n")); w > room && !strings.HasPrefix(line, "no room for") {
				t.Errorf("%d columns of %d: %s", w, room, line)
			}
		}
	}
	lines := strings.Split(tableText(0, "local", "user"), "\n")
	at := strings.Index(lines[0], "USER")
	if got := lines[1][at:]; got != "root" {
		t.Errorf("%q under USER:\n%s", got, strings.Join(lines, "\n"))
	}
}

func TestSpansAreShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0us", 23 * time.Microsecond: "23us", 1250 * time.Microsecond: "1.2ms", 300 * time.Millisecond: "300ms", 9940 * time.Millisecond: "9.9s",
		59 * time.Second: "59s", 150 * time.Second: "2.5min", 3 * time.Hour: "3.0h", 50 * time.Hour: "2.1d", 1 << 62: "53376d",
	} {
		if got := string(appendSpan(nil, d)); got != want {
			t.Errorf("%v is %s, want %s", d, got, want)
		}
	}
}

// TestSocketsAsJSON: every line is an object that says what the socket has.
func TestSocketsAsJSON(t *testing.T) {
	var text bytes.Buffer
	out := bufio.NewWriter(&text)
	writeSockets(out, someSockets(), "blue")
	out.Flush()
	var got []string
	for line := range strings.Lines(text.String()) {
		var o struct {
			Event, Network, State, Local, Remote, Path, Netns string
			Age                                               float64
			Processes                                         []struct {
				PID  int
				Name string
			}
			TCP struct {
				RTT           float64
				Retransmitted int
			}
		}
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if o.Event != "socket" || o.Netns != "blue" {
			t.Errorf("event %q in %q", o.Event, o.Netns)
		}
		got = append(got, fmt.Sprint(o.Network, o.State, o.Local, o.Remote, o.Path, o.Age, len(o.Processes), o.TCP.RTT, o.TCP.Retransmitted))
	}
	want := []string{
		"tcpLISTEN[::]:800 1 0 0", "tcpLISTEN[::]:810 0 0 0", "tcpCLOSE_WAIT[::ffff:10.0.0.2]:80[::ffff:10.0.0.1]:5190 4 0.00125 3",
		"tcpTIME_WAIT10.0.0.2:8010.0.0.1:640 0 0 0", "unixCONNECTED/run/\u202e日本0 0 0 0",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if strings.ContainsAny(text.String(), "\x1b\u202e") {
		t.Error("raw control characters")
	}
}

func TestRowsAreSorted(t *testing.T) {
	rows := someSockets()
	(&watchFlags{sort: "age"}).order(rows)
	if rows[0].State != sockets.State(tcp.CloseWait) || rows[1].State != sockets.State(tcp.TimeWait) {
		t.Errorf("by age: %v, %v first", rows[0].State, rows[1].State)
	}
	(&watchFlags{sort: "-process"}).order(rows)
	if rows[len(rows)-1].Processes[0].PID != 7 {
		t.Errorf("by process, turned round: %+v last", rows[len(rows)-1])
	}
}

// TestTheDocumentHasEveryField of the JSON objects.
func TestTheDocumentHasEveryField(t *testing.T) {
	page, err := os.ReadFile("../../doc/watch.md")
	if err != nil {
		t.Fatal(err)
	}
	var full sockets.Socket
	fill(reflect.ValueOf(&full).Elem())
	full.Local, full.Remote = netip.MustParseAddrPort("10.0.0.1:1"), netip.MustParseAddrPort("10.0.0.2:2")
	full.Info.Windows.Threshold = 7
	var text bytes.Buffer
	out := bufio.NewWriter(&text)
	writeSockets(out, []*sockets.Socket{&full}, "blue")
	out.Flush()
	var change socketLine
	change.transition(&sockets.Transition{From: 1, Local: full.Local, Remote: full.Remote, Cookie: 1, Process: sockets.Process{PID: 1}, Looked: true})
	text.Write(change.Object)
	for _, m := range regexp.MustCompile(`"([a-z_]+)":`).FindAllStringSubmatch(text.String(), -1) {
		if !bytes.Contains(page, []byte("`"+m[1]+"`")) {
			t.Errorf("doc/watch.md has no %s", m[1])
		}
	}
}

// fill sets every number in v to 3, and makes what it points at.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fill(v.Field(i))
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	default:
		if v.CanInt() {
			v.SetInt(3)
		} else if v.CanUint() {
			v.SetUint(3)
		}
	}
}

// BenchmarkTableOfSockets sorts and writes 20,000 rows.
func BenchmarkTableOfSockets(b *testing.B) {
	all := make([]*sockets.Socket, 20_000)
	for i := range all {
		all[i] = &sockets.Socket{
			Network: "tcp", State: sockets.State(tcp.Established), Info: &sockets.Info{RTT: sockets.RTT{Smooth: 20 * time.Microsecond}},
			Local:  netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(30000+i*7919%20000)),
			Remote: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), 8000), Cookie: uint64(i), Inode: uint32(i + 1), Processes: []sockets.Process{{PID: 7, Name: "server"}},
		}
	}
	for _, columns := range []string{"state,recv,send,local,remote", ""} {
		b.Run(columns, func(b *testing.B) {
			f := watchFlags{columns: columns}
			rows := make([]*sockets.Socket, len(all))
			b.ReportAllocs()
			for b.Loop() {
				copy(rows, all)
				f.order(rows)
				newWatchTable(f.chosen(), rows).write(io.Discard, 0, f.findings())
			}
		})
	}
}
