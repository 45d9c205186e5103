package board

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"dialtone/app/escape"
	"dialtone/observe/jsonline"
	"dialtone/observe/sockets"
)

func flag(set bool) int64 {
	if set {
		return 1
	}
	return 0
}

// appendText writes a string that may hold anything so that a page shows every
// rune of it: what would turn text round or is not seen comes as a backslash sequence.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return append(b, jsonline.Quoted(visible(s))...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

func visible(s string) string { return escape.String(s) }

func localOf(s *sockets.Socket) string {
	switch {
	case s.Path != "":
		return s.Path
	case !s.Local.IsValid():
		return ""
	case s.Local.Addr().Is6() && s.Local.Addr().IsUnspecified() && !s.IPv6Only: // IPv4 too
		return "*:" + strconv.Itoa(int(s.Local.Port()))
	}
	return address(s.Local)
}

func remoteOf(s *sockets.Socket) string {
	switch {
	case s.Remote.IsValid():
		return address(s.Remote)
	case s.Peer != 0:
		return "inode " + strconv.FormatUint(uint64(s.Peer), 10)
	}
	return ""
}

// address writes an IPv4 address in an IPv6 one as the IPv4 address.
func address(a netip.AddrPort) string {
	if ip := a.Addr(); ip.Is4In6() {
		a = netip.AddrPortFrom(ip.Unmap(), a.Port())
	}
	return a.String()
}

func userOf(s *sockets.Socket) string {
	if s.Inode == 0 {
		return ""
	}
	return s.User
}

// shortProcesses names two of those that have s open.
func shortProcesses(s *sockets.Socket) string {
	const most = 2
	var b strings.Builder
	for i, p := range s.Processes {
		if i == most {
			b.WriteString(" and " + strconv.Itoa(len(s.Processes)-most) + " more")
			break
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(p.Name + "/" + strconv.Itoa(p.PID))
	}
	if b.Len() == 0 && s.Hidden && s.Inode != 0 {
		return "?"
	}
	return b.String()
}

// appendEntry writes a transition as an array; stream.js has the same order.
func appendEntry(b []byte, e *entry) []byte {
	b = fmt.Appendf(b, "[%d,%d,%d,%d,%d,", e.number, e.ID, e.At.UnixMicro(), e.From, e.To)
	b = appendText(b, address(e.Local))
	b = append(b, ',')
	remote, by := "", ""
	if e.Remote.IsValid() {
		remote = address(e.Remote)
	}
	if e.Process.PID != 0 {
		by = e.Process.Name + "/" + strconv.Itoa(e.Process.PID)
	}
	b = append(appendText(b, remote), ',')
	b = append(appendText(b, by), ',')
	return append(strconv.AppendInt(b, flag(e.Looked), 10), ']')
}

// appendSource says where transitions come from.
func appendSource(b []byte, s *sheet) []byte {
	source, root := s.Source, false
	for _, err := range source.Denied {
		root = root || errors.Is(err, os.ErrPermission)
	}
	text, err := json.Marshal(struct {
		Name  string   `json:"name"`
		Blind []string `json:"blind"`
		Exact bool     `json:"exact"`
		Root  bool     `json:"root"` // would see more
	}{source.Name, source.Blind, source.Exact, root})
	if err != nil { // strings always have a form
		text = []byte("null")
	}
	return append(b, text...)
}
