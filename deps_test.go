package dialtone

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

// rule says who may import whom inside the module. "a < b" means that b may
// import a and everything that a may import; NONE stands for nothing of the
// module. Lists are separated by commas, * matches within a path element, and a
// package that no line names is not part of the house yet.
const rule = `
	NONE < app/address, app/escape, app/quantity, app/digest, app/bulk, app/cpace;
	app/address, app/escape < app/serve, app/connect;
	app/digest < app/tree;
	app/cpace < app/pairing;
	app/address, app/escape, app/digest, app/bulk, app/tree, app/pairing < app/transfer;
	NONE < observe/routes;
	NONE < link, link/cable, link/netns;
	link < internet;
	internet < transport;
	transport < transport/tcp, transport/udp;
	transport/tcp, link/netns < transport/conversation;
	link < link/sim;
	link, link/netns < link/tap;
	transport/tcp, transport/udp < host, observe/capture;
	host < host/kernel;
	NONE < observe/grammar;
	app/escape < observe/jsonline;
	transport/tcp, link/netns, observe/grammar < observe/sockets;
	observe/sockets < observe/live;
	observe/sockets, app/quantity < observe/explain;
	observe/capture, observe/grammar < observe/filter;
	observe/capture < observe/flow;
	NONE < observe/palette, observe/pagetest;
	observe/live, observe/explain, observe/jsonline, observe/palette, app/escape < observe/board;
	observe/filter, observe/flow, observe/jsonline, observe/palette, app/escape, app/quantity < observe/ladder;
	observe/live, observe/explain, app/escape, app/quantity < observe/screen;
	app/*, observe/*, host, link/tap < cmd/dialtone;
`

// TestImportRule holds rule against the imports that the go command sees.
func TestImportRule(t *testing.T) {
	allowed := parseRule(t, rule)
	for _, p := range modulePackages(t) {
		name := strings.TrimPrefix(p.ImportPath, "dialtone/")
		if name == "dialtone" { // the map itself
			continue
		}
		may, ok := lookup(allowed, name)
		if !ok {
			t.Errorf("package %s is not in the import rule: give it a line", name)
			continue
		}
		for _, imported := range p.Imports {
			inside, ok := strings.CutPrefix(imported, "dialtone/")
			if ok && !matches(may, inside) {
				t.Errorf("%s must not import %s", name, inside)
			}
		}
	}
}

// TestImportRuleIsTransitive guards the guard.
func TestImportRuleIsTransitive(t *testing.T) {
	allowed := parseRule(t, "NONE < a; a < b; b < c/*;")
	may, _ := lookup(allowed, "c/d")
	if !matches(may, "a") || !matches(may, "b") {
		t.Errorf("c/d may import %v, want a and b", may)
	}
	if may, _ := lookup(allowed, "a"); matches(may, "b") {
		t.Errorf("a may import %v, want nothing", may)
	}
}

// parseRule returns, for each name or pattern on a right side, what it may import.
func parseRule(t *testing.T, text string) map[string][]string {
	t.Helper()
	allowed := map[string][]string{}
	for line := range strings.SplitSeq(text, ";") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		left, right, ok := strings.Cut(line, "<")
		if !ok {
			t.Fatalf("import rule: no '<' in %q", line)
		}
		var may []string
		for _, a := range splitNames(left) {
			if a == "NONE" {
				continue
			}
			may = append(may, a)
			for name, deep := range allowed { // transitively
				if ok, _ := path.Match(a, name); ok {
					may = append(may, deep...)
				}
			}
		}
		for _, b := range splitNames(right) {
			allowed[b] = append(allowed[b], may...)
		}
	}
	return allowed
}

func splitNames(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' })
}

func lookup(allowed map[string][]string, name string) (may []string, ok bool) {
	for pattern, list := range allowed {
		if m, _ := path.Match(pattern, name); m {
			may, ok = append(may, list...), true
		}
	}
	return may, ok
}

func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { m, _ := path.Match(p, name); return m })
}

type goPackage struct {
	ImportPath string
	Imports    []string
}

func modulePackages(t *testing.T) (list []goPackage) {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}
