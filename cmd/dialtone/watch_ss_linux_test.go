package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"dialtone/link/cable"
)

// holdEnv is set in a process that holds connections: how many.
const holdEnv = "DIALTONE_TEST_HOLD"

// TestEveryRowIsThatOfSS holds sockets in several processes: watch --once --json has a line
// for each, and its figures are those of ss. With DIALTONE_LONG=1 they are 20,000.
func TestEveryRowIsThatOfSS(t *testing.T) {
	if n := os.Getenv(holdEnv); n != "" {
		if err := holdConnections(n); err != nil {
			t.Fatal(err)
		}
		return
	}
	if _, err := exec.LookPath("ss"); err != nil {
		t.Skip("needs the program ss")
	}
	line, err := cable.Open(cable.Config{})
	if err != nil {
		t.Skip("network namespaces need root and /dev/net/tun:", err)
	}
	defer line.Close()
	const holders = 4
	count := 400
	if os.Getenv("DIALTONE_LONG") != "" {
		count = 20_000
	}
	printedBy(t, line.A, "ip", "link", "set", "lo", "up")
	for range holders {
		holdIn(t, line.A, count/holders/2)
	}
	ours := ourRows(t, printedBy(t, line.A, "dialtone", "watch", "--once", "--json", "tcp"))
	theirs := rowsOfSS(printedBy(t, line.A, "ss", "-H", "-t", "-a", "-n", "-i", "-e", "-O"))
	slices.Sort(ours)
	slices.Sort(theirs)
	if len(ours) != count+holders {
		t.Errorf("%d rows, want %d connections' and %d listeners'", len(ours), count, holders)
	}
	if !slices.Equal(ours, theirs) {
		for i := range min(len(ours), len(theirs)) {
			if ours[i] != theirs[i] {
				t.Fatalf("%d rows, of ss %d; the first that differ:\n%s\n%s", len(ours), len(theirs), ours[i], theirs[i])
			}
		}
		t.Fatalf("%d rows, of ss %d", len(ours), len(theirs))
	}
}

// holdConnections connects n times with itself, and says so until its input ends.
func holdConnections(n string) error {
	var count int
	fmt.Sscan(n, &count)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	for i := range count {
		c, err := net.Dial("tcp4", l.Addr().String())
		if err != nil {
			return err
		}
		defer c.Close()
		s, err := l.Accept()
		if err != nil {
			return err
		}
		defer s.Close()
		if _, err := c.Write(make([]byte, i%1000)); err != nil { // which nobody reads
			return err
		}
	}
	fmt.Println("ready")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func holdIn(t *testing.T, e *cable.End, n int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestEveryRowIsThatOfSS$")
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", holdEnv, n))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Start(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Wait()
	})
	if text, err := bufio.NewReader(out).ReadString('\n'); text != "ready\n" {
		t.Fatalf("connections cannot be held: %q, %v", text, err)
	}
}

// printedBy runs a program at an end.
func printedBy(t *testing.T, e *cable.End, argv ...string) []byte {
	t.Helper()
	var out, complaint bytes.Buffer
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := e.Start(cmd); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %v: %s", argv, err, &complaint)
	}
	return out.Bytes()
}

// rowOfSS is what both say of a socket.
const rowOfSS = "%s %s > %s recv %d send %d uid %d inode %d cookie %x cwnd %d mss %d sent %d acked %d received %d segments %d/%d"

func ourRows(t *testing.T, text []byte) (rows []string) {
	t.Helper()
	for line := range bytes.Lines(text) {
		var s struct {
			State, Local, Remote string
			RecvQueue            int `json:"recv_queue"`
			SendQueue            int `json:"send_queue"`
			UID, Inode           int
			Cookie               uint64
			TCP                  struct {
				Cwnd, Mss int
				Sent      int `json:"bytes_sent"`
				Acked     int `json:"bytes_acked"`
				Received  int `json:"bytes_received"`
				Out       int `json:"segments_out"`
				In        int `json:"segments_in"`
			}
		}
		if err := json.Unmarshal(line, &s); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if s.Remote == "" {
			s.Remote = "0.0.0.0:*"
		}
		f := s.TCP
		rows = append(rows, fmt.Sprintf(rowOfSS, s.State, s.Local, s.Remote, s.RecvQueue, s.SendQueue, s.UID, s.Inode, s.Cookie,
			f.Cwnd, f.Mss, f.Sent, f.Acked, f.Received, f.Out, f.In))
	}
	return rows
}

// figureOfSS is one in a line of ss.
var figureOfSS = regexp.MustCompile(` (uid|ino|cwnd|mss|bytes_sent|bytes_acked|bytes_received|segs_out|segs_in):(\d+)`)

func rowsOfSS(text []byte) (rows []string) {
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		figures := map[string]int{}
		for _, m := range figureOfSS.FindAllStringSubmatch(line, -1) {
			var n int
			fmt.Sscan(m[2], &n)
			figures[m[1]] = n
		}
		state := map[string]string{"ESTAB": "ESTABLISHED", "LISTEN": "LISTEN"}[f[0]]
		if state == "LISTEN" { // figures of connections to come
			figures["cwnd"], figures["mss"] = 0, 0
		}
		var recv, send int
		var cookie uint64
		fmt.Sscan(f[1], &recv)
		fmt.Sscan(f[2], &send)
		for _, word := range f {
			if hex, ok := strings.CutPrefix(word, "sk:"); ok {
				fmt.Sscanf(hex, "%x", &cookie)
			}
		}
		rows = append(rows, fmt.Sprintf(rowOfSS, state, f[3], f[4], recv, send, figures["uid"], figures["ino"], cookie,
			figures["cwnd"], figures["mss"], figures["bytes_sent"], figures["bytes_acked"], figures["bytes_received"], figures["segs_out"], figures["segs_in"]))
	}
	return rows
}
