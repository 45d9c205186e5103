package filter

import (
	"context"
	"net"
	"net/netip"

	"dialtone/observe/capture"
	"dialtone/observe/grammar"
	"dialtone/transport/tcp"
)

// Config says what an expression's words may be. The zero Config knows everything
// but labels.
type Config struct {
	// Labels are the words that the term label takes; without any it is refused.
	Labels []string
	// LookupHost finds a name's addresses; nil asks the system's resolver.
	LookupHost func(ctx context.Context, name string) ([]netip.Addr, error)
}

// A Subject is what a tracker knows of a packet's conversation, after the packet.
type Subject interface {
	States() [2]tcp.State      // of both ends; 0 for not known
	Has(label string) bool     // whether the packet has a label, by its word
	Stream() int               // the conversation's number, from 1
	ClosedBy(word string) bool // whether "client", "server", "fin" or "rst" closed it
}

// Expr is an expression that was read. Many goroutines may use it at once.
type Expr struct{ root node }

// node is a part of an expression.
type node interface {
	// match decides with s, which is nil for a packet of no conversation.
	match(p *capture.Packet, s Subject) bool
	// emit writes what jumps to yes where the node matches, else to no.
	emit(a *assembler, yes, no label)
	String() string
}

// Parse reads an expression, looking up the names in it; an empty one matches every
// packet. The error is an *Error that points at a word.
func Parse(text string) (*Expr, error) {
	return Config{}.Parse(context.Background(), text)
}

// Parse is like the function, with c's words; ctx bounds looking up names.
func (c Config) Parse(ctx context.Context, text string) (*Expr, error) {
	if c.LookupHost == nil {
		c.LookupHost = func(ctx context.Context, name string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", name)
		}
	}
	p := parser{Reader: grammar.NewReader(text, logic), Config: c, ctx: ctx}
	root, err := p.all()
	if err != nil {
		return nil, err
	}
	return &Expr{root}, nil
}

// Match reports whether a packet is one to see. Terms about conversations are false
// where s is nil.
func (e *Expr) Match(p *capture.Packet, s Subject) bool { return e.root.match(p, s) }

// Packet returns the part of e that a packet alone decides: it matches every packet
// that e matches with some conversation, and as few others as that allows.
func (e *Expr) Packet() *Expr { return &Expr{bound(e.root, true)} }

// ByPacket reports whether a packet alone decides all of e: no conversations need to
// be followed.
func (e *Expr) ByPacket() bool {
	alone := true
	walk(e.root, func(n node) {
		if _, ok := n.(talkTerm); ok {
			alone = false
		}
	})
	return alone
}

// String returns e in full, with every qualifier and parenthesis, as Parse reads it.
func (e *Expr) String() string {
	if e.root == always(true) {
		return ""
	}
	return e.root.String()
}
