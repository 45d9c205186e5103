package main

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
)

// announcement is what somebody needs who shall come here.
type announcement struct {
	command  string // what they type, up to the host: dialtone send PATH...
	rest     string // and behind it
	places   []netip.AddrPort
	at       net.Addr // as it was bound
	code     string   // to be shown; empty when there is none, or it stands in a file
	codeFile string
	made     bool // the code is news to everybody
}

// announce returns what brings the other end to a listener at at: verb is what
// they type, up to the host.
func (f *trustFlags) announce(at net.Addr, verb, code string) announcement {
	a := announcement{command: verb, at: at, places: f.net.usableAddresses(at), code: code, codeFile: f.codeFile}
	if f.codeFile != "" {
		a.code = ""
	}
	var rest []string
	if a.code != "" {
		rest = append(rest, "--code "+shellWord(a.code))
	}
	for _, flag := range []struct {
		on   bool
		text string
	}{
		{f.noAuth, "--no-auth"},
		{f.plain, "--plain"},
		{f.trust, "--trust"},
		{f.ca != "", "--ca FILE"},
	} {
		if flag.on {
			rest = append(rest, flag.text)
		}
	}
	a.rest = strings.Join(rest, " ")
	return a
}

// shellWord quotes s where a shell would read it otherwise.
func shellWord(s string) string {
	if strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.,:/+@%") == "" && s != "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// lines are the announcement for people: the command for each address.
func (a announcement) lines() (lines []string) {
	first := "waiting; on the other machine:"
	if a.codeFile != "" {
		first = fmt.Sprintf("waiting; on the other machine, with the code of %s:", oneLine(a.codeFile))
	}
	lines = append(lines, first)
	for _, p := range a.places {
		lines = append(lines, strings.TrimRight("  "+a.command+" "+placeText(p)+" "+a.rest, " "))
	}
	return lines
}

// link is what the QR code holds: the first address, and the code.
func (a announcement) link() string { return linkText(a.places[0], a.code) }

// show prints the announcement for people, with a QR code on a terminal that has
// room for it.
func (a announcement) show(w *os.File) {
	lines := a.lines()
	if a.code != "" && isScreen(w) && speaksUTF8() {
		width, height := sizeOf(w)()
		lines = append(lines, qrLines(a.link(), width, height-len(lines)-1, os.Getenv("NO_COLOR") == "")...)
	}
	io.WriteString(w, strings.Join(lines, "\n")+"\n")
}

// event is the announcement for programs.
func (a announcement) event(out *jsonOutput) {
	var places []string
	for _, p := range a.places {
		places = append(places, p.String())
	}
	out.end(out.begin("waiting").field("address", a.at.String()).field("addresses", places).text("code", a.code).text("link", a.link()))
}

// tell announces to whoever looks.
func (f *showFlags) tell(a announcement, events *jsonOutput) {
	if f.json {
		a.event(events)
		return
	}
	if !f.quiet || a.made {
		a.show(os.Stderr)
	}
}
