package sockets

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"dialtone/link/cable"
	"dialtone/transport/tcp"

	"pgregory.net/rapid"
)

// openCable lays a cable between two namespaces, or skips where that is not allowed.
func openCable(t *testing.T, c cable.Config) *cable.Cable {
	t.Helper()
	line, err := cable.Open(c)
	if err != nil {
		t.Skip("network namespaces need root and /dev/net/tun:", err)
	}
	t.Cleanup(func() { line.Close() })
	return line
}

// inside returns what f makes at an end, closed when the test is over.
func inside[T interface{ Close() error }](t *testing.T, e *cable.End, f func() (T, error)) (made T) {
	t.Helper()
	err := e.Do(func() (err error) {
		made, err = f()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { made.Close() })
	return made
}

// furnish makes sockets of many kinds and states, at both ends.
func furnish(t *testing.T, line *cable.Cable) {
	t.Helper()
	a, b := line.A, line.B
	l := inside(t, b, func() (net.Listener, error) { return net.Listen("tcp", ":8000") })
	inside(t, b, func() (net.Listener, error) { return net.Listen("tcp4", "127.0.0.1:8001") })
	inside(t, a, func() (net.Listener, error) { return net.Listen("tcp6", "[::]:8002") })
	inside(t, a, func() (net.PacketConn, error) { return net.ListenPacket("udp", ":53") })
	inside(t, b, func() (net.PacketConn, error) { return net.ListenPacket("udp4", b.Addr.String()+":53") })
	inside(t, a, func() (net.Conn, error) { return net.Dial("udp", b.Addr.String()+":53") })
	for i := range 12 {
		c := inside(t, a, func() (net.Conn, error) { return net.Dial("tcp", b.Addr.String()+":8000") })
		s, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		if _, err := c.Write(make([]byte, 100*i)); err != nil {
			t.Fatal(err)
		}
		switch i % 4 {
		case 1: // FIN_WAIT_2 here, CLOSE_WAIT there
			c.(*net.TCPConn).CloseWrite()
		case 2: // TIME_WAIT there
			s.(*net.TCPConn).CloseWrite()
			c.Read(make([]byte, 1))
			c.Close()
		}
	}
}

// awaitState waits until sockets in this state are in the table, three as furnish makes.
func awaitState(t *testing.T, table *Table, state tcp.State) {
	t.Helper()
	for range 1000 {
		n := 0
		for _, s := range readTable(t, table, Query{}) {
			if s.State == State(state) {
				n++
			}
		}
		if n == 3 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("the connections never come into %s", state)
}

// settled reads both tables until they stay as they are.
func settled(t *testing.T, read func() []string) (last []string) {
	t.Helper()
	for range 100 {
		now := read()
		if last != nil && slices.Equal(now, last) {
			return now
		}
		last = now
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("the tables never rest")
	return nil
}

// ssStates are ss's names.
var ssStates = map[string]string{
	"ESTAB": "ESTABLISHED", "LISTEN": "LISTEN", "UNCONN": "UNCONNECTED", "CLOSE-WAIT": "CLOSE_WAIT", "FIN-WAIT-2": "FIN_WAIT_2",
	"TIME-WAIT": "TIME_WAIT", "SYN-SENT": "SYN_SENT", "SYN-RECV": "SYN_RCVD", "FIN-WAIT-1": "FIN_WAIT_1", "LAST-ACK": "LAST_ACK", "CLOSING": "CLOSING",
}

// ssRow is what both say of a socket: ss -H -n -a -e -m -i -O, and we.
const ssRow = "%s %s recv %d send %d %s %s uid %d inode %d cookie %x memory %d/%d %d/%d drops %d cwnd %d retrans %d mss %d sent %d received %d"

// ours writes a socket as ssRow.
func ours(s *Socket) string {
	remote := "*"
	if s.Remote.IsValid() {
		remote = s.Remote.String()
	}
	var i Info
	var m Memory
	if s.Info != nil {
		i = *s.Info
	}
	if s.Memory != nil {
		m = *s.Memory
	}
	return fmt.Sprintf(ssRow, s.Network, s.State, s.RecvQueue, s.SendQueue, s.Local, remote, s.UID, s.Inode, s.Cookie,
		m.Receive, m.ReceiveBuffer, m.Send, m.SendBuffer, m.Drops,
		i.Windows.Congestion, i.Counts.Retransmitted, i.Sizes.Send, i.Counts.BytesSent, i.Counts.BytesReceived)
}

// theirs writes a line of ss as ssRow.
func theirs(line string) string {
	f := strings.Fields(line)
	number := func(pattern string) (n uint64) {
		if m := regexp.MustCompile(pattern).FindStringSubmatch(line); m != nil {
			fmt.Sscan(m[1], &n)
		}
		return n
	}
	var recv, send, cookie uint64
	fmt.Sscan(f[2], &recv)
	fmt.Sscan(f[3], &send)
	if m := regexp.MustCompile(` sk:([0-9a-f]+)`).FindStringSubmatch(line); m != nil {
		fmt.Sscanf(m[1], "%x", &cookie)
	}
	address := func(s string) string {
		s = strings.Replace(s, "*:", "[::]:", 1) // what takes both families
		if s == "0.0.0.0:*" || s == "[::]:*" {
			return "*"
		}
		return s
	}
	state := ssStates[f[1]]
	if f[0] == "udp" && f[1] == "ESTAB" {
		state = "CONNECTED"
	}
	cwnd := number(` cwnd:(\d+)`)
	if strings.Contains(line, " LISTEN ") {
		cwnd = 0 // of connections to come
	}
	return fmt.Sprintf(ssRow, f[0], state, recv, send, address(f[4]), address(f[5]), number(` uid:(\d+)`), number(` ino:(\d+)`), cookie,
		number(`skmem:\(r(\d+)`), number(`,rb(\d+)`), number(`,t(\d+),`), number(`,tb(\d+)`), number(`,d(\d+)\)`),
		cwnd, number(` retrans:\d+/(\d+)`), number(` mss:(\d+)`), number(` bytes_sent:(\d+)`), number(` bytes_received:(\d+)`))
}

// TestTheTableIsThatOfSS compares row by row, figures and all, at both ends.
func TestTheTableIsThatOfSS(t *testing.T) {
	ss, err := exec.LookPath("ss")
	if err != nil {
		t.Skip("needs the program ss")
	}
	line := openCable(t, cable.Config{})
	furnish(t, line)
	seen := map[State]bool{}
	for end, last := range map[*cable.End]tcp.State{line.A: tcp.FinWait2, line.B: tcp.TimeWait} {
		table := openTable(t, Config{Netns: end.Netns()})
		awaitState(t, table, last)
		var got []string
		want := settled(t, func() (want []string) {
			got = got[:0]
			for _, s := range readTable(t, table, Query{Info: true, Memory: true, Congestion: true}) {
				got = append(got, ours(s))
				seen[s.State] = true
			}
			cmd := exec.Command(ss, "-H", "-n", "-a", "-t", "-u", "-e", "-m", "-i", "-O")
			var out strings.Builder
			cmd.Stdout = &out
			if err := end.Start(cmd); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Fatal(err)
			}
			for text := range strings.Lines(out.String()) {
				want = append(want, theirs(text))
			}
			return append(want, got...) // both are to rest
		})
		want = want[:len(want)-len(got)]
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("ours:\n%s\nss:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	for _, s := range []tcp.State{tcp.Listen, tcp.Established, tcp.CloseWait, tcp.FinWait2, tcp.TimeWait} {
		if !seen[State(s)] {
			t.Errorf("no socket in %s: the test shows too little", s)
		}
	}
}

func openTable(t *testing.T, c Config) *Table {
	t.Helper()
	table, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { table.Close() })
	return table
}

func readTable(t *testing.T, table *Table, q Query) []*Socket {
	t.Helper()
	list, err := table.Read(q)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestTheKernelFiltersAsWeDo draws filters: what the kernel sends and Match takes is what
// Match takes of everything.
func TestTheKernelFiltersAsWeDo(t *testing.T) {
	line := openCable(t, cable.Config{})
	furnish(t, line)
	table := openTable(t, Config{Netns: line.B.Netns()})
	rows := func(q Query, take func(*Socket) bool) (list []string) {
		for _, s := range readTable(t, table, q) {
			if take(s) {
				list = append(list, fmt.Sprint(s.Network, s.Local, s.Remote, s.State, s.Cookie))
			}
		}
		slices.Sort(list)
		return list
	}
	all := func(*Socket) bool { return true }
	settled(t, func() []string { return rows(Query{}, all) })
	terms := []string{
		"port 8000", "local port 8000", "remote portrange 1-60000", "tcp port 8000", "udp", "tcp", "udp port 53", "ip", "ip6",
		"host 10.77.0.1", "local host 10.77.0.2", "remote net 10.0.0.0/8", "net 127.0.0.0/8", "net ::/0", "host ::1", "state established",
		"state close-wait", "state listen", "state unconnected", "state time-wait", "user 0", "pid 1",
	}
	var draw func(t *rapid.T, depth int) string
	draw = func(t *rapid.T, depth int) string {
		kind := rapid.IntRange(0, 3).Draw(t, "kind")
		switch {
		case depth == 0 || kind == 0:
			return rapid.SampledFrom(terms).Draw(t, "term")
		case kind == 1:
			return "not (" + draw(t, depth-1) + ")"
		}
		return "(" + draw(t, depth-1) + ") " + []string{"and", "or"}[kind-2] + " (" + draw(t, depth-1) + ")"
	}
	rapid.Check(t, func(r *rapid.T) {
		text := draw(r, 4)
		f, err := ParseFilter(context.Background(), text)
		if err != nil {
			r.Fatalf("%q: %v", text, err)
		}
		got, want := rows(Query{Filter: f}, all), rows(Query{Owners: f.NeedsOwners()}, f.Match)
		if !slices.Equal(got, want) {
			r.Fatalf("%q:\n%s\nwant\n%s", text, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}
