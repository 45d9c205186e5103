package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/big"
	random "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestTransferScripts runs transfers between real processes on loopback. Beside
// what all scripts can say (scriptCommands) there are:
//
//	receive JOB ARGS...       starts dialtone receive on a free port and waits until it
//	                          listens; sets ADDR and, where there is one, CODE
//	offer JOB ARGS...         the same with dialtone send --wait
//	mkfile NAME BYTES         makes a file of random bytes, the same for the same name
//	mktree DIR FILES          makes a tree of small files
//	[!] same A B              compares two files or trees: names, content, modes, times, links
//	nothidden DIR             finds no hidden partial or journal below DIR
//	ca NAME HOST...           makes a CA, NAME.pem, and for each host a certificate and its
//	                          key, HOST.pem and HOST.key
//	events FILE KIND FIELD=REGEXP...
//	                          finds a JSON line of that kind whose fields match
func TestTransferScripts(t *testing.T) {
	commands := maps.Clone(scriptCommands)
	maps.Copy(commands, map[string]func(*testscript.TestScript, bool, []string){
		"receive": func(ts *testscript.TestScript, neg bool, args []string) { startWaiting(ts, neg, args, "receive") },
		"offer": func(ts *testscript.TestScript, neg bool, args []string) {
			startWaiting(ts, neg, args, "send", "--wait")
		},
		"mkfile":    makeFile,
		"mktree":    makeTree,
		"same":      compareTrees,
		"nothidden": findHidden,
		"events":    findEvent,
		"ca":        makeCA,
	})
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/transfer",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setupScript,
		Cmds:                commands,
		Condition:           scriptCondition,
	})
}

// waitingFor is the announcement's command: the address, and the code if it is shown.
var waitingFor = regexp.MustCompile(`(?m)^  dialtone (?:send PATH\.\.\.|receive --from) (\S+?)(?: --code (\S+|'[^']+'))?(?: --\S+(?: FILE)?)*$`)

// startWaiting starts the verb on a free port and waits for its announcement.
// Where the arguments have a --listen, that holds.
func startWaiting(ts *testscript.TestScript, neg bool, args []string, verb ...string) {
	needArgs(ts, neg, args, 1, "receive|offer JOB ARGS...")
	program := append([]string{"dialtone"}, verb...)
	if !slices.Contains(args, "--listen") {
		program = append(program, "--listen", "127.0.0.1:0")
	}
	j := launch(ts, args[0], nil, append(program, args[1:]...)...)
	var m []string
	poll(ts, j.done, args[0]+" waits", func() bool {
		m = waitingFor.FindStringSubmatch(ts.ReadFile(args[0] + ".err"))
		return m != nil
	})
	ts.Setenv("ADDR", m[1])
	ts.Setenv("CODE", strings.Trim(m[2], "'"))
}

// randomOf returns random bytes that follow from the name.
func randomOf(name string) io.Reader {
	seed := sha256.Sum256([]byte(name))
	return random.NewChaCha8(seed)
}

func makeFile(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 2, "mkfile NAME BYTES")
	size, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	writeRandom(ts, ts.MkAbs(args[0]), args[0], size)
}

func writeRandom(ts *testscript.TestScript, path, seed string, size int64) {
	ts.Check(os.MkdirAll(filepath.Dir(path), 0o755))
	file, err := os.Create(path)
	ts.Check(err)
	_, err = io.CopyN(file, randomOf(seed), size)
	ts.Check(err)
	ts.Check(file.Close())
}

// makeTree makes files of 0 to 20000 bytes in nested folders.
func makeTree(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 2, "mktree DIR FILES")
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	for i := range n {
		name := fmt.Sprintf("d%d/e%d/f%d", i%3, i%7, i)
		writeRandom(ts, filepath.Join(ts.MkAbs(args[0]), name), name, int64(i*7919%20000))
	}
}

func compareTrees(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, false, args, 2, "same A B")
	a, b := listing(ts, ts.MkAbs(args[0])), listing(ts, ts.MkAbs(args[1]))
	if equal := a == b; equal == neg {
		ts.Fatalf("same=%v\n%s:\n%s\n%s:\n%s", equal, args[0], a, args[1], b)
	}
}

// listing says everything of a tree: a line for each entry.
func listing(ts *testscript.TestScript, root string) string {
	var out strings.Builder
	ts.Check(filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		text := ""
		switch {
		case info.Mode().IsRegular():
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text = fmt.Sprintf("%d bytes %x", len(content), sha256.Sum256(content))
		case info.Mode()&fs.ModeSymlink != 0:
			if text, err = os.Readlink(path); err != nil {
				return err
			}
		}
		if name != "." || !d.IsDir() { // where it was put is not part of it
			fmt.Fprintf(&out, "%q %s %d %s\n", name, info.Mode(), info.ModTime().UnixNano(), text)
		}
		return nil
	}))
	return out.String()
}

func findHidden(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 1, "nothidden DIR")
	ts.Check(filepath.WalkDir(ts.MkAbs(args[0]), func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasPrefix(d.Name(), ".dialtone-") {
			return fmt.Errorf("%s was left behind", path)
		}
		return err
	}))
}

func makeCA(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 2, "ca NAME HOST...")
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: args[0]}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	issue(ts, args[0], ca, ca, caKey, caKey)
	for _, host := range args[1:] {
		leaf := &x509.Certificate{
			SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: host}, NotAfter: time.Now().Add(time.Hour),
			DNSNames: []string{host}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		}
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		ts.Check(err)
		issue(ts, host, leaf, ca, key, caKey)
		der, err := x509.MarshalPKCS8PrivateKey(key)
		ts.Check(err)
		writePEM(ts, host+".key", "PRIVATE KEY", der)
	}
}

// issue writes the certificate NAME.pem of key.
func issue(ts *testscript.TestScript, name string, c, parent *x509.Certificate, key, parentKey *ecdsa.PrivateKey) {
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), parentKey)
	ts.Check(err)
	writePEM(ts, name+".pem", "CERTIFICATE", der)
}

func writePEM(ts *testscript.TestScript, name, kind string, der []byte) {
	ts.Check(os.WriteFile(ts.MkAbs(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}

func findEvent(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, false, args, 2, "events FILE KIND FIELD=REGEXP...")
	text := ts.ReadFile(args[0])
	found := false
	for line := range strings.Lines(text) {
		var event map[string]any
		dec := json.NewDecoder(strings.NewReader(line))
		dec.UseNumber()
		ts.Check(dec.Decode(&event))
		found = found || event["event"] == args[1] && fieldsMatch(ts, event, args[2:])
	}
	if found == neg {
		ts.Fatalf("found=%v %v in\n%s", found, args[1:], text)
	}
}

func fieldsMatch(ts *testscript.TestScript, event map[string]any, want []string) bool {
	return !slices.ContainsFunc(want, func(w string) bool {
		name, pattern, _ := strings.Cut(w, "=")
		re, err := regexp.Compile("^(?:" + pattern + ")$")
		ts.Check(err)
		value, ok := event[name]
		return !ok || !re.MatchString(fmt.Sprint(value))
	})
}

// TestRandomFollowsFromTheName guards the guard.
func TestRandomFollowsFromTheName(t *testing.T) {
	read := func(name string) []byte {
		p := make([]byte, 64)
		io.ReadFull(randomOf(name), p)
		return p
	}
	if !bytes.Equal(read("a"), read("a")) || bytes.Equal(read("a"), read("b")) {
		t.Error("random bytes do not follow from the name")
	}
}
