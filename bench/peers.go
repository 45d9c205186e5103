package main

import (
	"os/exec"
	"path/filepath"
	"slices"
)

// peer is a server that answers in upper case.
type peer struct {
	name, title string
	networks    []string
	command     func(network string) []string
	most        int // connections at a time; beyond, a process for each is too many
}

// shell answers for servers that give every connection a process. Without
// stdbuf, tr would wait for 4 KiB.
const shell = "stdbuf -o0 tr a-z A-Z"

// allPeers has every server by its short name. Those that are built live in
// dir, see newHall; dialtone is the command that serves, with its flags.
func allPeers(dir string, dialtone ...string) map[string]peer {
	built := func(name string, flags ...string) func(string) []string {
		return func(network string) []string {
			return slices.Concat([]string{filepath.Join(dir, name)}, flags, []string{network})
		}
	}
	fixed := func(argv ...string) func(string) []string { return func(string) []string { return argv } }
	upper := func(network string) []string {
		return append(dialtone[:len(dialtone):len(dialtone)], "--service", "upper", network+"://127.0.0.1:0")
	}
	tcp, all := []string{"tcp"}, []string{"tcp", "udp", "tls"}
	const many, processes = 1 << 20, 200
	list := []peer{
		{"epoll", "", []string{"tcp", "udp"}, built("epoll"), many},
		{"plain", "", all, built("plain"), many},
		{"plain64", "", all, built("plain", "-buffer", "65536", "-words"), many},
		{"netpoll", "", tcp, built("netpoll"), many},
		{"ncat", "", tcp, fixed("ncat", "-m", "1000", "-lk", "127.0.0.1", "0", "--sh-exec", shell), processes},
		{"socat", "", tcp, fixed("socat", "-d", "-d", "TCP-LISTEN:0,bind=127.0.0.1,fork,backlog=1024", "EXEC:"+shell), processes},
		{"dialtone", "", all, upper, many},
	}
	peers := map[string]peer{}
	for _, p := range list {
		p.title = peerTitle(p.name)
		peers[p.name] = p
	}
	return peers
}

func peerTitle(name string) string {
	switch name {
	case "epoll":
		return "C epoll"
	case "plain":
		return "plain net"
	case "plain64":
		return "plain net, 64 KiB"
	}
	return name
}

// missing says why the peer cannot take part in a row, or nothing.
func (p peer) missing(r row) string {
	if !slices.Contains(p.networks, r.network) || (r.kind != idle && r.conns > p.most) {
		return "–"
	}
	if _, err := exec.LookPath(p.command(r.network)[0]); err != nil {
		return "not installed"
	}
	return ""
}
