package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"dialtone/app/address"

	"github.com/gorilla/websocket"
	"github.com/rogpeppe/go-internal/testscript"
)

// scriptCommands are what scripts can say beside testscript's own commands. A job
// is a program in the background; its output is in the files JOB.out and JOB.err
// of the script's directory, and it never outlives the script.
//
//	start JOB PROGRAM ARGS...     starts a job; its input stays open
//	serve JOB ARGS...             starts dialtone serve and waits until it listens; sets
//	                              $ADDR (host:port), $PORT and $URL to its first address
//	activate JOB [NAME=]ADDR... -- ARGS...
//	                              the same with sockets handed over as systemd does
//	addresses JOB NAME...         sets $NAME and $NAME_PORT for each address it listens on
//	say JOB TEXT                  gives TEXT, with \n and so on, to the job's input
//	hangup JOB                    ends the job's input
//	signal JOB TERM|INT|HUP|KILL  sends a signal
//	ended JOB [CODE]              waits for the job's end and checks its exit code (0)
//	await FILE REGEXP [NAME]      waits until FILE matches; sets $NAME to what the first group is
//	websocket URL TEXT...         sends messages, prints an answer to each, and closes
var scriptCommands = map[string]func(*testscript.TestScript, bool, []string){
	"start":     startJob,
	"serve":     startServe,
	"activate":  startActivated,
	"addresses": setAddresses,
	"say":       sayToJob,
	"hangup":    hangUpJob,
	"signal":    signalJob,
	"ended":     awaitJob,
	"await":     awaitText,
	"websocket": talkWebSocket,
}

// patience is how long a script waits for what must come. It is never reached
// unless a test fails.
const patience = 30 * time.Second

// raceOptions keep programs with the race detector from sleeping a second before
// each exit.
const raceOptions = "atexit_sleep_ms=0"

type jobs struct{ byName map[string]*job }

type job struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	done  chan struct{}
}

type jobsKey struct{}

// setupScript gives each script its own jobs, and takes away what could reach in
// from outside.
func setupScript(env *testscript.Env) error {
	env.Values[jobsKey{}] = &jobs{byName: map[string]*job{}}
	env.Setenv("LISTEN_FDS", "")
	env.Setenv("LC_ALL", "C.UTF-8")
	env.Setenv("GORACE", raceOptions)
	env.Setenv("XDG_CONFIG_HOME", filepath.Join(env.WorkDir, ".config"))
	env.Setenv("DIALTONE_CODE", "")
	return nil
}

// scriptCondition says what this machine has: [root], [ipv6], [netns], [tap] (root, and TAP
// devices), [mounts] (root, mount namespaces, tracefs).
func scriptCondition(name string) (bool, error) {
	switch name {
	case "root":
		return os.Getuid() == 0, nil
	case "mounts":
		return exec.Command("unshare", "--mount", "mount", "-t", "tracefs", "none", "/sys/kernel/tracing").Run() == nil, nil
	case "ipv6":
		ln, err := net.Listen("tcp6", "[::1]:0")
		if err == nil {
			ln.Close()
		}
		return err == nil, nil
	case "tap":
		_, err := os.Stat("/dev/net/tun")
		return os.Getuid() == 0 && err == nil, nil
	case "netns":
		return exec.Command("unshare", "--user", "--map-root-user", "--net", "ip", "link", "set", "lo", "up").Run() == nil, nil
	}
	return false, fmt.Errorf("unknown condition %q", name)
}

func needArgs(ts *testscript.TestScript, neg bool, args []string, least int, use string) {
	if neg || len(args) < least {
		ts.Fatalf("usage: %s", use)
	}
}

func findJob(ts *testscript.TestScript, name string) *job {
	j := ts.Value(jobsKey{}).(*jobs).byName[name]
	if j == nil {
		ts.Fatalf("there is no job %q", name)
	}
	return j
}

func startJob(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 2, "start JOB PROGRAM ARGS...")
	launch(ts, args[0], nil, args[1:]...)
}

// launch starts a program whose files are JOB.out and JOB.err, and passes it
// sockets from file descriptor 3 on.
func launch(ts *testscript.TestScript, name string, sockets []*os.File, args ...string) *job {
	program, err := lookPath(ts, args[0])
	ts.Check(err)
	j := &job{cmd: exec.Command(program, args[1:]...), done: make(chan struct{})}
	j.cmd.Dir = ts.MkAbs(".")
	j.cmd.Env = scriptEnv(ts)
	j.cmd.ExtraFiles = sockets
	stdout, err := os.Create(ts.MkAbs(name + ".out"))
	ts.Check(err)
	defer stdout.Close()
	stderr, err := os.Create(ts.MkAbs(name + ".err"))
	ts.Check(err)
	defer stderr.Close()
	j.cmd.Stdout, j.cmd.Stderr = stdout, stderr
	j.stdin, err = j.cmd.StdinPipe()
	ts.Check(err)
	ts.Check(j.cmd.Start())
	go func() { j.cmd.Wait(); close(j.done) }() // ends with the job, which the script's end kills
	ts.Defer(func() {
		j.cmd.Process.Kill()
		<-j.done
		for _, kind := range []string{".out", ".err"} {
			text, _ := os.ReadFile(ts.MkAbs(name + kind))
			ts.Logf("[%s%s]\n%s", name, kind, text)
		}
	})
	ts.Value(jobsKey{}).(*jobs).byName[name] = j
	return j
}

// lookPath finds a program in the script's PATH, which has dialtone in front.
func lookPath(ts *testscript.TestScript, program string) (string, error) {
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if path, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not in the script's PATH", program)
}

// scriptEnv is the environment of the test with what the script has instead.
// testscript does not tell all that a script has set, so that the names are here.
func scriptEnv(ts *testscript.TestScript) []string {
	env := os.Environ()
	for _, name := range []string{"PATH", "WORK", "HOME", "TMPDIR", "LC_ALL", "ADDR", "PORT", "URL", "GORACE", "LISTEN_FDS", "LISTEN_PID", "XDG_CONFIG_HOME", "DIALTONE_CODE", "CODE"} {
		env = append(env, name+"="+ts.Getenv(name))
	}
	return env
}

func startServe(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 1, "serve JOB ARGS...")
	launch(ts, args[0], nil, append([]string{"dialtone", "serve"}, args[1:]...)...)
	setFirstAddress(ts, args[0])
}

// startActivated hands over sockets as systemd does: from descriptor 3 on, with
// the process's own id in LISTEN_PID, which a shell knows before it becomes the
// program.
func startActivated(ts *testscript.TestScript, neg bool, args []string) {
	const use = "activate JOB [NAME=]ADDR... -- ARGS..."
	needArgs(ts, neg, args, 3, use)
	var sockets []*os.File
	var names []string
	rest := args[1:]
	for len(rest) > 0 && rest[0] != "--" {
		name, text, ok := strings.Cut(rest[0], "=")
		if !ok {
			name, text = "", rest[0]
		}
		sockets, names, rest = append(sockets, openSocket(ts, text)), append(names, name), rest[1:]
	}
	if len(rest) == 0 {
		ts.Fatalf("usage: %s", use)
	}
	script := fmt.Sprintf(`LISTEN_PID=$$ LISTEN_FDS=%d LISTEN_FDNAMES=%s exec dialtone serve "$@"`, len(sockets), strings.Join(names, ":"))
	launch(ts, args[0], sockets, append([]string{"sh", "-c", script, "sh"}, rest[1:]...)...)
	for _, s := range sockets {
		s.Close()
	}
	setFirstAddress(ts, args[0])
}

func openSocket(ts *testscript.TestScript, text string) *os.File {
	a, err := address.Parse(text)
	ts.Check(err)
	var socket any
	if a.Datagram() {
		socket, err = net.ListenPacket(a.Network(), a.Target())
	} else {
		target := a.Target()
		if a.Scheme == "unix" {
			target = ts.MkAbs(target)
		}
		socket, err = net.Listen(a.Network(), target)
	}
	ts.Check(err)
	if u, ok := socket.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false) // the file belongs to the job now
	}
	defer socket.(io.Closer).Close()
	file, err := socket.(interface{ File() (*os.File, error) }).File()
	ts.Check(err)
	return file
}

func setFirstAddress(ts *testscript.TestScript, name string) {
	u := listening(ts, name, 1)[0]
	ts.Setenv("URL", u.String())
	ts.Setenv("ADDR", u.Host)
	ts.Setenv("PORT", u.Port())
}

func setAddresses(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 2, "addresses JOB NAME...")
	for i, u := range listening(ts, args[0], len(args)-1) {
		ts.Setenv(args[i+1], u.Host)
		ts.Setenv(args[i+1]+"_PORT", u.Port())
	}
}

// listening waits for n addresses that a job says it listens on.
func listening(ts *testscript.TestScript, name string, n int) (urls []*url.URL) {
	j := findJob(ts, name)
	poll(ts, j.done, fmt.Sprintf("%d addresses of %s", n, name), func() bool {
		urls = urls[:0]
		text := ts.ReadFile(name + ".out")
		for line := range strings.Lines(text[:strings.LastIndexByte(text, '\n')+1]) {
			if addr, ok := strings.CutPrefix(strings.TrimSpace(line), "listening "); ok {
				u, err := url.Parse(strings.ReplaceAll(addr, "%", "%25"))
				ts.Check(err)
				urls = append(urls, u)
			}
		}
		return len(urls) >= n
	})
	return urls
}

// poll asks until ok says yes. When done is closed it asks once more.
func poll(ts *testscript.TestScript, done <-chan struct{}, what string, ok func() bool) {
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			ts.Fatalf("%s: not within %s", what, patience)
		}
		select {
		case <-done:
			if !ok() {
				ts.Fatalf("%s: the job has ended", what)
			}
			return
		default:
		}
	}
}

func sayToJob(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 2, "say JOB TEXT")
	text, err := strconv.Unquote(`"` + args[1] + `"`)
	ts.Check(err)
	_, err = io.WriteString(findJob(ts, args[0]).stdin, text)
	ts.Check(err)
}

func hangUpJob(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 1, "hangup JOB")
	ts.Check(findJob(ts, args[0]).stdin.Close())
}

func signalJob(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 2, "signal JOB TERM|INT|HUP|KILL")
	sig, ok := map[string]os.Signal{"TERM": syscall.SIGTERM, "INT": os.Interrupt, "HUP": syscall.SIGHUP, "KILL": os.Kill}[args[1]]
	if !ok {
		ts.Fatalf("unknown signal %s", args[1])
	}
	ts.Check(findJob(ts, args[0]).cmd.Process.Signal(sig))
}

func awaitJob(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 1, "ended JOB [CODE]")
	want := 0
	if len(args) > 1 {
		var err error
		want, err = strconv.Atoi(args[1])
		ts.Check(err)
	}
	j := findJob(ts, args[0])
	select {
	case <-j.done:
	case <-time.After(patience):
		ts.Fatalf("%s has not ended within %s", args[0], patience)
	}
	if got := j.cmd.ProcessState.ExitCode(); got != want {
		ts.Fatalf("%s has ended with %d (%s), want %d", args[0], got, j.cmd.ProcessState, want)
	}
}

func awaitText(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 2, "await FILE REGEXP [NAME]")
	re, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	var m []string
	poll(ts, nil, args[0]+" matches "+args[1], func() bool {
		m = re.FindStringSubmatch(ts.ReadFile(args[0]))
		return m != nil
	})
	if len(args) > 2 {
		ts.Setenv(args[2], m[len(m)-1])
	}
}

func talkWebSocket(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, false, args, 1, "websocket URL TEXT...")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	dialer := websocket.Dialer{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // who the server is, openssl checks
	c, answer, err := dialer.DialContext(ctx, args[0], nil)
	if err != nil {
		if answer != nil {
			fmt.Fprintln(ts.Stderr(), answer.Status)
		}
		if !neg {
			ts.Fatalf("%v", err)
		}
		return
	}
	defer c.Close()
	if neg {
		ts.Fatalf("unexpected success")
	}
	c.SetReadDeadline(time.Now().Add(patience))
	for _, text := range args[1:] {
		ts.Check(c.WriteMessage(websocket.TextMessage, []byte(text)))
		_, p, err := c.ReadMessage()
		ts.Check(err)
		fmt.Fprintf(ts.Stdout(), "%s\n", p)
	}
	ts.Check(c.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")))
	_, _, err = c.ReadMessage()
	fmt.Fprintln(ts.Stdout(), err)
}
