package filter

import (
	"fmt"
	"slices"
	"strings"

	"dialtone/observe/capture"
	"dialtone/observe/grammar"
	"dialtone/transport/tcp"
)

// talkWords begin the terms about conversations.
var talkWords = []string{"state", "label", "stream", "closed-by"}

// closers are the words behind closed-by.
var closers = []string{"client", "server", "fin", "rst"}

// talkTerm is what a tracker knows of a packet's conversation: no kernel can decide it.
type talkTerm struct {
	word   string // of talkWords
	value  string
	state  tcp.State
	stream int
}

func (t talkTerm) String() string { return t.word + " " + t.value }

func (t talkTerm) match(_ *capture.Packet, s Subject) bool {
	if s == nil {
		return false
	}
	switch t.word {
	case "state":
		states := s.States()
		return states[0] == t.state || states[1] == t.state
	case "label":
		return s.Has(t.value)
	case "stream":
		return s.Stream() == t.stream
	}
	return s.ClosedBy(t.value)
}

// emit is not reached: Kernel and Program compile what bound left.
func (t talkTerm) emit(a *assembler, _, _ label) { a.jump(a.unsure) }

// talk reads a term about conversations.
func (p *parser) talk() (node, error) {
	name, _ := p.Take(talkWords...)
	p.last = nil
	t := talkTerm{word: name}
	if name == "stream" {
		first, _ := p.Peek()
		n, err := p.Integer("a conversation's number", 1<<31-1)
		if err == nil && n == 0 {
			err = p.Fault(first, "conversations are numbered from 1")
		}
		t.stream, t.value = n, fmt.Sprint(n)
		return t, err
	}
	w, err := p.Value(map[string]string{"state": "a TCP state", "label": "a label", "closed-by": "client, server, fin or rst"}[name])
	if err != nil {
		return nil, err
	}
	switch t.value = strings.ToLower(w.Text); name {
	case "state":
		return p.state(w)
	case "label":
		if !slices.Contains(p.Labels, t.value) {
			return nil, p.Unknown(w, "a label", p.Labels)
		}
	case "closed-by":
		if !slices.Contains(closers, t.value) {
			return nil, p.Unknown(w, "what closes a conversation", closers)
		}
	}
	return t, nil
}

// state reads a TCP state, with hyphens or underscores, in either case.
func (p *parser) state(w grammar.Word) (node, error) {
	var names []string
	for s := tcp.Listen; s <= tcp.Closed; s++ {
		name := strings.ReplaceAll(strings.ToLower(s.String()), "_", "-")
		if name == strings.ReplaceAll(strings.ToLower(w.Text), "_", "-") {
			return talkTerm{word: "state", value: name, state: s}, nil
		}
		names = append(names, name)
	}
	return nil, p.Unknown(w, "a TCP state", names)
}
