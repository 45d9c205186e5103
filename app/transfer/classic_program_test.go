package transfer

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The four programs of doc/classic.md, each a process of its own on a real socket.

func classicPrograms(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	args := []string{"build", "-o", dir + string(filepath.Separator)}
	for _, name := range classicProgramNames {
		args = append(args, "./testdata/classic/"+name)
	}
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return dir
}

var classicProgramNames = []string{"send", "receive", "send3", "receive3"}

func TestClassicPrograms(t *testing.T) {
	bin := classicPrograms(t)
	for _, size := range []int{0, 1, 4095, 4096, 4097, 3 << 20} {
		for _, v := range []Classic{Classic1, Classic3} {
			suffix := strings.TrimPrefix(v.String(), "classic")
			t.Run(fmt.Sprintf("%v sends %d", v, size), func(t *testing.T) {
				t.Parallel()
				programSends(t, filepath.Join(bin, "send"+suffix), v, classicBytes(size))
			})
			t.Run(fmt.Sprintf("%v receives %d", v, size), func(t *testing.T) {
				t.Parallel()
				programReceives(t, filepath.Join(bin, "receive"+suffix), v, classicBytes(size))
			})
		}
	}
}

func programSends(t *testing.T, program string, v Classic, want []byte) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	file := filepath.Join(t.TempDir(), "a file.txt")
	if err := os.WriteFile(file, want, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, l.Addr().String(), file)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var dst classicShelf
	conn, err := l.Accept()
	if err == nil {
		_, err = ReceiveClassic(t.Context(), conn, v, &dst, ReceiveOptions{})
	}
	if werr := cmd.Wait(); err != nil || werr != nil {
		t.Fatalf("%v; the program: %v\n%s", err, werr, &stderr)
	}
	if dst.name != "a file.txt" || !bytes.Equal(dst.body.Bytes(), want) {
		t.Errorf("%q, %d bytes", dst.name, dst.body.Len())
	}
}

func programReceives(t *testing.T, program string, v Classic, want []byte) {
	cmd := exec.CommandContext(t.Context(), program, "127.0.0.1:0")
	cmd.Dir = t.TempDir()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	addr, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", strings.TrimSpace(addr))
	if err != nil {
		t.Fatal(err)
	}
	_, err = SendClassic(t.Context(), conn, v, "a file.txt", bytes.NewReader(want), int64(len(want)), SendOptions{})
	if werr := cmd.Wait(); err != nil || werr != nil {
		t.Fatalf("%v; the program: %v\n%s", err, werr, &stderr)
	}
	got, err := os.ReadFile(filepath.Join(cmd.Dir, "a file.txt"))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// The programs that people read are those that run.
func TestClassicProgramsAreInTheDocument(t *testing.T) {
	doc, err := os.ReadFile("../../doc/classic.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range classicProgramNames {
		program, err := os.ReadFile("testdata/classic/" + name + "/main.go")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(doc, append([]byte("```go\n"), append(program, "```\n"...)...)) {
			t.Errorf("doc/classic.md does not have testdata/classic/%s/main.go as it is", name)
		}
	}
}

// dialClassic returns both ends of a TCP connection.
func dialClassic(t *testing.T) (there, here net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	there, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	here, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { there.Close(); here.Close() })
	there.SetDeadline(time.Now().Add(5 * time.Minute)) // no beginner waits for ever
	return there, here
}
