//go:build linux

package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Ports in use, all inside namespaces of our own where that is allowed.
const (
	portDialtone = 7020
	portBare     = 7021
	portRsync    = 7022
	portSSH      = 7023
	portHTTP     = 7024
	portHTTPS    = 7025
	portCroc     = 7030 // and the four after it
)

// contender is a way to move the load.
type contender struct {
	name, title string
	programs    []string // that have to be there
	swap        bool     // one process is both ends
	run         func(j *job) error
}

func allContenders() map[string]contender {
	list := []contender{
		{name: "cp", title: "cp -r (limit)", programs: []string{"cp"}, swap: true, run: copyLocally},
		bare("bare", "bare sendfile → splice (limit)", 1, "cubic"),
		bare("bare2", "bare, 2 streams (limit)", 2, "cubic"),
		bare("bare-cubic", "one bare stream, cubic", 1, "cubic"),
		bare("bare-bbr", "one bare stream, bbr", 1, "bbr"),
		bare("bare8", "8 bare streams, cubic", 8, "cubic"),
		{name: "rsync", title: "rsync daemon", programs: []string{"rsync"}, run: rsync},
		scp("scp", "scp"),
		scp("scp-gcm", "scp -c aes128-gcm", "-c", "aes128-gcm@openssh.com"),
		{name: "nginx", title: "curl from nginx", programs: []string{"nginx", "curl"}, run: curl("http", portHTTP)},
		{name: "nginx-tls", title: "curl from nginx, TLS", programs: []string{"nginx", "curl"}, run: curl("https", portHTTPS)},
		{name: "curl8", title: "curl -Z, 8 at a time, from nginx", programs: []string{"nginx", "curl"}, run: curl("http", portHTTP)},
		{name: "aria2", title: "aria2c, 8 connections, from nginx", programs: []string{"nginx", "aria2c"}, run: aria2},
		{name: "croc", title: "croc, local relay", programs: []string{"croc"}, run: croc},
		dialtone("dialtone", "dialtone (TLS, verified)"),
		dialtone("dialtone-nohash", "dialtone --verify none", "--verify", "none"),
		dialtone("dialtone-plain", "dialtone --plain", "--plain"),
		dialtone("dialtone-bare", "dialtone --plain --verify none", "--plain", "--verify", "none"),
	}
	all := map[string]contender{}
	for _, c := range list {
		all[c.name] = c
	}
	return all
}

func (j *job) source() string     { return j.yard.path("src", j.load.name) }
func (j *job) target() string     { return j.yard.path("dst") }
func at(s *side, port int) string { return fmt.Sprintf("%s:%d", s.addr, port) }
func (y *yard) file(name, text string) (string, error) {
	return y.path(name), os.WriteFile(y.path(name), []byte(text), 0o600)
}

func copyLocally(j *job) error {
	return j.fetch(j.from, "cp", "-r", j.source(), j.target())
}

func bare(name, title string, streams int, control string) contender {
	return contender{name: name, title: title, programs: []string{"bare"}, run: func(j *job) error {
		if _, err := j.serve(j.to, portBare, "bare", "receive", at(j.to, portBare), j.target()); err != nil {
			return err
		}
		return j.fetch(j.from, "bare", "send", "-streams", strconv.Itoa(streams), "-cc", control, j.source(), at(j.to, portBare))
	}}
}

// code is what both ends of dialtone and croc know. No secret: nobody else is in
// the namespace.
const code = "7-copper-lantern"

func dialtone(name, title string, flags ...string) contender {
	return contender{name: name, title: title, programs: []string{"dialtone"}, run: func(j *job) error {
		receiver, err := j.dialtoneReceive(flags...)
		if err != nil {
			return err
		}
		if err := j.dialtoneSend(at(j.to, portDialtone), flags...); err != nil {
			if other := receiver.failure(); other != nil {
				return fmt.Errorf("%w; %w", err, other)
			}
			return err
		}
		err = receiver.wait()
		j.took = time.Since(j.began)
		return err
	}}
}

// trust is how both ends are told to know each other.
func trust(flags []string) []string {
	for _, f := range flags {
		if f == "--plain" {
			return []string{"--no-auth"}
		}
	}
	return nil
}

func (j *job) dialtoneReceive(flags ...string) (*process, error) {
	file, err := j.yard.file("code", code+"\n")
	if err != nil {
		return nil, err
	}
	args := []string{"receive", "--listen", at(j.to, portDialtone), "--dir", j.target()}
	for _, f := range flags {
		if f == "--plain" {
			args = append(args, f)
		}
	}
	if more := trust(flags); more != nil {
		args = append(args, more...)
	} else {
		args = append(args, "--code-file", file)
	}
	return j.serve(j.to, portDialtone, "dialtone", args...)
}

func (j *job) dialtoneSend(addr string, flags ...string) error {
	return j.fetch(j.from, "dialtone", j.sendArgs(addr, flags...)...)
}

func (j *job) sendArgs(addr string, flags ...string) []string {
	args := append([]string{"send", j.source(), addr}, flags...)
	if more := trust(flags); more != nil {
		return append(args, more...)
	}
	return append(args, "--code", code)
}

func rsync(j *job) error {
	config, err := j.yard.file("rsyncd.conf", fmt.Sprintf(
		"uid = %d\ngid = %d\nuse chroot = no\n[dst]\npath = %s\nread only = no\n", os.Getuid(), os.Getgid(), j.target()))
	if err != nil {
		return err
	}
	err = j.serveForking(j.to, portRsync, "rsync", "--daemon", "--no-detach", "--config="+config,
		"--address="+j.to.addr, fmt.Sprintf("--port=%d", portRsync))
	if err != nil {
		return err
	}
	return j.fetch(j.from, "rsync", "-a", j.source(), fmt.Sprintf("rsync://%s/dst/", at(j.to, portRsync)))
}

func scp(name, title string, flags ...string) contender {
	return contender{name: name, title: title, programs: []string{"sshd", "scp"}, run: func(j *job) error {
		me, err := user.Current()
		if err != nil {
			return err
		}
		config, err := j.yard.file("sshd_config", fmt.Sprintf(
			"Port %d\nListenAddress %s\nHostKey %s\nAuthorizedKeysFile %s\nPermitRootLogin yes\n"+
				"StrictModes no\nUsePAM no\nPidFile none\nLogLevel ERROR\nSubsystem sftp internal-sftp\n",
			portSSH, j.to.addr, j.yard.path("host"), j.yard.path("user.pub")))
		if err != nil {
			return err
		}
		os.MkdirAll("/run/sshd", 0o755) // as its service would; where that is forbidden sshd says so
		if err := j.serveForking(j.to, portSSH, "sshd", "-D", "-e", "-f", config); err != nil {
			return err
		}
		args := append([]string{
			"-q", "-r", "-F", "none", "-i", j.yard.path("user"), "-P", strconv.Itoa(portSSH),
			"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "BatchMode=yes",
		}, flags...)
		return j.fetch(j.from, "scp", append(args, j.source(), fmt.Sprintf("%s@%s:%s", me.Username, j.to.addr, j.target()))...)
	}}
}

// nginx serves src, plain and with TLS.
func (j *job) nginx() error {
	me, err := user.Current()
	if err != nil {
		return err
	}
	dir := j.yard.path("log")
	config, err := j.yard.file("nginx.conf", fmt.Sprintf(`daemon off;
user %s;
pid %s/nginx.pid;
error_log stderr error;
worker_processes auto;
events { worker_connections 512; }
http {
	access_log off;
	sendfile on;
	tcp_nopush on;
	client_body_temp_path %[2]s/b; proxy_temp_path %[2]s/p; fastcgi_temp_path %[2]s/f; uwsgi_temp_path %[2]s/u; scgi_temp_path %[2]s/s;
	server {
		listen %[3]s; listen %[4]s ssl;
		ssl_protocols TLSv1.3;
		ssl_certificate %[5]s; ssl_certificate_key %[6]s;
		keepalive_requests 1000000;
		root %[7]s;
	}
}
`, me.Username, dir, at(j.from, portHTTP), at(j.from, portHTTPS),
		j.yard.path("cert.pem"), j.yard.path("key.pem"), j.yard.path("src")))
	if err != nil {
		return err
	}
	_, err = j.serve(j.from, portHTTP, "nginx", "-c", config, "-p", dir, "-e", "stderr")
	return err
}

func (j *job) url(scheme string, port int) string {
	return fmt.Sprintf("%s://%s/%s", scheme, at(j.from, port), j.load.name)
}

func curl(scheme string, port int) func(j *job) error {
	return func(j *job) error {
		if err := j.nginx(); err != nil {
			return err
		}
		if j.load.files > 1 {
			return j.curlTree(scheme, port)
		}
		return j.fetch(j.to, "curl", "-sSfk", "-o", filepath.Join(j.target(), j.load.name), j.url(scheme, port))
	}
}

// curlTree is told every name, since HTTP knows no trees.
func (j *job) curlTree(scheme string, port int) error {
	var list strings.Builder
	err := filepath.WalkDir(j.source(), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(j.source(), path)
		fmt.Fprintf(&list, "url=%s/%s\noutput=%s\n", j.url(scheme, port), rel, filepath.Join(j.target(), j.load.name, rel))
		return err
	})
	if err != nil {
		return err
	}
	config, err := j.yard.file("curl.conf", list.String())
	if err != nil {
		return err
	}
	return j.fetch(j.to, "curl", "-sSfk", "-Z", "--parallel-max", "8", "--create-dirs", "-K", config)
}

func aria2(j *job) error {
	if err := j.nginx(); err != nil {
		return err
	}
	return j.fetch(j.to, "aria2c", "-q", "-x8", "-s8", "-k1M", "--file-allocation=none", "--no-conf",
		"-d", j.target(), "-o", j.load.name, j.url("http", portHTTP))
}

// croc meets its receiver at a relay on the sender's side. The sender's
// preparation, which hashes everything first, counts.
func croc(j *job) error {
	var ports []string
	for i := range 5 {
		ports = append(ports, strconv.Itoa(portCroc+i))
	}
	if _, err := j.serve(j.from, portCroc, "croc", "relay", "--host", j.from.addr, "--ports", strings.Join(ports, ",")); err != nil {
		return err
	}
	env := []string{"CROC_SECRET=" + code, "CROC_CONFIG_DIR=" + j.yard.path("log")}
	j.began = time.Now()
	sender, err := j.launchEnv(j.from, env, "croc", "--yes", "--ignore-stdin", "--relay", at(j.from, portCroc), "send", "--no-local", "--code", code, j.source())
	if err != nil {
		return err
	}
	for !hasConnection(sender.cmd.Process.Pid, portCroc) { // the room exists once the sender is in it
		select {
		case <-sender.done:
			return sender.wait()
		case <-time.After(10 * time.Millisecond):
		}
	}
	receiver, err := j.launchEnv(j.to, env, "croc", "--yes", "--overwrite", "--relay", at(j.from, portCroc), "--out", j.target())
	if err != nil {
		return err
	}
	err = receiver.wait()
	j.took = time.Since(j.began)
	return err
}

// hasConnection looks for an established connection to the port in the
// process's namespace.
func hasConnection(pid, port int) bool {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/net/tcp", pid))
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) > 3 && f[3] == "01" && strings.HasSuffix(f[2], fmt.Sprintf(":%04X", port)) {
			return true
		}
	}
	return false
}
