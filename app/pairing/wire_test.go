package pairing

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dialtone/app/cpace"

	"pgregory.net/rapid"
)

// counter is where tests draw from: bytes that count up.
type counter struct{ next byte }

func (c *counter) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = c.next
		c.next++
	}
	return len(p), nil
}

func plainEnds(t testing.TB, name string) *ends {
	t.Helper()
	e, err := Config{Code: "7-copper-lantern", Plain: true, Name: name}.checked()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// plainCaller and plainAnswerer draw the same bytes in each run.
func plainCaller(t testing.TB) *caller {
	return &caller{ends: plainEnds(t, "laptop"), channel: &channel{}, draw: &draw{&counter{0x10}}}
}

func plainAnswerer(t testing.TB) *answerer {
	e := plainEnds(t, "desk")
	return &answerer{ends: e, channel: &channel{}, draw: &draw{&counter{0x80}}, code: e.Code}
}

func parsed(t testing.TB, raw []byte, want messageType) *fields {
	t.Helper()
	_, f, _, err := readMessage(bytes.NewReader(raw), want)
	if err != nil {
		t.Fatal(err)
	}
	return &f
}

func TestFieldsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var f fields
		for tag := tag(1); tag <= lastTag; tag++ {
			if rapid.Bool().Draw(t, "present") {
				f[tag] = rapid.SliceOfN(rapid.ByteRange(' ', '~'), sizes[tag].min, sizes[tag].max).Draw(t, "value")
			}
		}
		raw := f.append(nil, typeHello)
		kind, g, again, err := readMessage(io.MultiReader(bytes.NewReader(raw), strings.NewReader("more")), typeHello)
		if err != nil || kind != typeHello || !bytes.Equal(raw, again) {
			t.Fatalf("%v, %v", kind, err)
		}
		for tag := range f {
			if !bytes.Equal(f[tag], g[tag]) || (f[tag] == nil) != (g[tag] == nil) {
				t.Fatalf("field %d was %q and is %q", tag, f[tag], g[tag])
			}
		}
	})
}

func TestUnknownFieldsAreSkippedAndKnownOnesChecked(t *testing.T) {
	for body, ok := range map[string]bool{
		"":                                       true,
		"\x55\x00\x02hi\x01\x00\x01\x01":         true,
		"\x00\x00\x00":                           true,
		"\x55\x00":                               false,
		"\x55\x00\x02h":                          false,
		"\x01\x00\x00":                           false, // too short
		"\x01\x00\x01\x01\x01\x00\x01\x01":       false, // twice
		"\x03\x00\x01\x07":                       false, // cannot be printed
		"\x03\x00\x41" + strings.Repeat("a", 65): false,
	} {
		if _, err := parseFields([]byte(body)); (err == nil) != ok || (err != nil && !errors.Is(err, ErrProtocol)) {
			t.Errorf("%q: %v", body, err)
		}
	}
}

func TestRefusalsAreToldAndNotAnswered(t *testing.T) {
	for _, err := range []error{ErrWrongCode, ErrBurned, ErrNotWanted, ErrUnknownPeer, ErrVersion, ErrBusy, ErrNeedsTLS, ErrJoin, ErrProtocol, errTLSHere, &ChangedKeyError{}} {
		f := fields{tagReason: {byte(reasonOf(err))}}
		_, _, _, got := readMessage(bytes.NewReader(f.append(nil, typeRefused)), typeWelcome)
		want := err
		switch want.(type) {
		case *ChangedKeyError:
			want = ErrUnknownPeer
		}
		if want == errTLSHere {
			want = ErrPlain
		}
		if theirs := new(refusedError); !errors.Is(got, want) || !errors.As(got, &theirs) {
			t.Errorf("%v arrives as %v", err, got)
		}
	}
}

// TestAShareSentBackIsRefused answers a hello with its own share.
func TestAShareSentBackIsRefused(t *testing.T) {
	c := plainCaller(t)
	hello, err := c.begin()
	if err != nil {
		t.Fatal(err)
	}
	answer := fields{
		tagVersions: {version}, tagNonce: make([]byte, nonceSize), tagMethods: {byte(byCode)},
		tagSession: make([]byte, sessionSize), tagShare: parsed(t, hello, typeHello)[tagShare],
	}
	if _, err := c.confirm(&answer, answer.append(nil, typeWelcome)); !errors.Is(err, ErrProtocol) {
		t.Error(err)
	}
	answer[tagShare] = make([]byte, cpace.ShareSize) // of low order
	if _, err := c.confirm(&answer, answer.append(nil, typeWelcome)); !errors.Is(err, ErrProtocol) {
		t.Error(err)
	}
	delete := answer
	delete[tagShare] = nil
	if _, err := c.confirm(&delete, delete.append(nil, typeWelcome)); !errors.Is(err, ErrProtocol) {
		t.Error(err)
	}
}

// TestTheListenersProofCounts has a listener that does not know the code.
func TestTheListenersProofCounts(t *testing.T) {
	c, a := plainCaller(t), plainAnswerer(t)
	a.code = "8-copper-lantern"
	hello, _ := c.begin()
	welcome, err := a.welcome(parsed(t, hello, typeHello), hello)
	if err != nil {
		t.Fatal(err)
	}
	confirm, err := c.confirm(parsed(t, welcome, typeWelcome), welcome)
	if err != nil {
		t.Fatal(err)
	}
	if a.check(parsed(t, confirm, typeConfirm)) {
		t.Error("the listener takes a wrong code")
	}
	for _, proof := range [][]byte{a.grant.keys.listener, c.grant.keys.dialler, make([]byte, proofSize)} {
		if _, err := c.finish(&fields{tagProof: proof}); !errors.Is(err, ErrWrongCode) {
			t.Errorf("the dialler takes %x: %v", proof, err)
		}
	}
}

func TestAMethodNotOfferedIsRefused(t *testing.T) {
	for _, m := range []method{byKey, byCA, byNothing, 99} {
		c := plainCaller(t)
		if _, err := c.begin(); err != nil {
			t.Fatal(err)
		}
		answer := fields{
			tagVersions: {version}, tagNonce: make([]byte, nonceSize), tagMethods: {byte(m)}, tagSession: make([]byte, sessionSize),
		}
		if _, err := c.confirm(&answer, answer.append(nil, typeWelcome)); !errors.Is(err, ErrProtocol) {
			t.Errorf("%v: %v", m, err)
		}
	}
}

func TestJoinsNeedTheSessionsKey(t *testing.T) {
	key, id, binding := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, sessionSize), bytes.Repeat([]byte{3}, 32)
	join, err := joinMessage(nil, key, id, 5, binding)
	if err != nil {
		t.Fatal(err)
	}
	joined, err := joinedMessage(nil, key, join, binding)
	if err != nil {
		t.Fatal(err)
	}
	if !joinProved(key, join, binding) || !joinedProved(key, join, joined, binding) {
		t.Fatal("the right ones are refused")
	}
	other := bytes.Repeat([]byte{9}, 32)
	if joinProved(other, join, binding) || joinProved(key, join, other) || joinProved(key, join, nil) ||
		joinedProved(other, join, joined, binding) || joinedProved(key, join, joined, other) || joinedProved(key, joined, joined, binding) {
		t.Error("another key, or another connection, is taken")
	}
	if joinProved(key, joined, binding) || joinedProved(key, join, join, binding) {
		t.Error("one end's proof is taken for the other's")
	}
	for i := range join {
		changed := slices.Clone(join)
		changed[i] ^= 1
		if joinProved(key, changed, binding) {
			t.Errorf("byte %d can be changed", i)
		}
	}
}

// TestAStrangerDoesNotJoin knows a session's number, not its key.
func TestAStrangerDoesNotJoin(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	notices := make(chan error, 10)
	c := Config{Code: "7-copper-lantern"}
	l, err := NewListener(ln, c, ListenOptions{Notice: func(_ net.Addr, err error) { notices <- err }})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	d := Dialer{Config: c}
	s, err := d.Dial(ctx, "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	accepted, err := l.Accept(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	right := s.key
	s.key = bytes.Repeat([]byte{1}, 32)
	if _, err := s.Open(ctx); !errors.Is(err, ErrJoin) {
		t.Errorf("Open: %v", err)
	}
	if err := <-notices; !errors.Is(err, ErrJoin) {
		t.Errorf("noticed %v", err)
	}
	s.key = right
	s.last = 0 // a wrong proof has not used the number up
	if _, err := s.Open(ctx); err != nil {
		t.Errorf("Open: %v", err)
	}
	s.last = 0
	if _, err := s.Open(ctx); !errors.Is(err, ErrJoin) { // a right one has
		t.Errorf("Open: %v", err)
	}
	accepted.Close()
	if len(l.sessions) != 0 {
		t.Error("a closed session is kept")
	}
}

func TestTriesAreCountedOneByOne(t *testing.T) {
	tr := newTries("7-copper-lantern", 3)
	_, round, _ := tr.current()
	var wg sync.WaitGroup
	results := make(chan error, 100)
	for range 100 {
		wg.Go(func() { results <- tr.judge(round, false) })
	}
	wg.Wait()
	close(results)
	wrong := 0
	for err := range results {
		if errors.Is(err, ErrWrongCode) {
			wrong++
		}
	}
	if wrong != 3 || !errors.Is(tr.judge(round, true), ErrBurned) {
		t.Errorf("%d were judged", wrong)
	}
	tr.set("9-copper-lantern")
	if err := tr.judge(round, true); !errors.Is(err, ErrWrongCode) {
		t.Errorf("the old code still counts: %v", err)
	}
	if _, now, err := tr.current(); err != nil || tr.judge(now, true) != nil {
		t.Error("the new code does not count")
	}
}

func TestOneAddressIsOnePlace(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.7:1": "192.0.2.7/32", "[::ffff:192.0.2.7]:1": "192.0.2.7/32",
		"[2001:db8:1:2:3::4]:1": "2001:db8:1:2::/64", "[fe80::1%lo]:1": "fe80::/64",
	} {
		if got := subnet(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(addr))); got.String() != want {
			t.Errorf("%s is %v, want %s", addr, got, want)
		}
	}
	if got := subnet(&net.UnixAddr{}); got != (netip.Prefix{}) {
		t.Errorf("%v", got)
	}
}

func TestTheGateForgetsWhoHasLeft(t *testing.T) {
	g := newGate()
	leave, err := g.enter(context.Background(), &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7)})
	if err != nil || len(g.per) != 1 {
		t.Fatal(err, len(g.per))
	}
	leave()
	if len(g.per) != 0 || len(g.all) != 0 {
		t.Error("something is left")
	}
}

func FuzzMessage(f *testing.F) {
	c, a := plainCaller(f), plainAnswerer(f)
	hello, _ := c.begin()
	welcome, _ := a.welcome(parsed(f, hello, typeHello), hello)
	f.Add(hello)
	f.Add(welcome)
	f.Add(a.done())
	f.Fuzz(func(t *testing.T, p []byte) {
		kinds := []messageType{typeHello, typeWelcome, typeConfirm, typeDone, typeJoin, typeJoined}
		kind, g, raw, err := readMessage(bytes.NewReader(p), kinds...)
		if err != nil {
			return
		}
		if !bytes.HasPrefix(p, raw) || !slices.Contains(kinds, kind) {
			t.Fatalf("%x is read as %x", p, raw)
		}
		var again fields // what is understood survives being said again
		if _, again, _, err = readMessage(bytes.NewReader(g.append(nil, kind)), kind); err != nil {
			t.Fatal(err)
		}
		for tag := range g {
			if !bytes.Equal(g[tag], again[tag]) {
				t.Fatalf("field %d: %x and %x", tag, g[tag], again[tag])
			}
		}
	})
}

// FuzzHello gives the listening end any hello: it never grants anything to who has
// not the code.
func FuzzHello(f *testing.F) {
	c := plainCaller(f)
	hello, _ := c.begin()
	f.Add(hello[headSize:])
	f.Fuzz(func(t *testing.T, body []byte) {
		fs, err := parseFields(body)
		if err != nil {
			return
		}
		a := plainAnswerer(t)
		if _, err := a.welcome(&fs, body); err == nil && a.grant.how != byCode {
			t.Fatalf("granted by %v", a.grant.how)
		}
	})
}

// FuzzWelcome gives the dialling end any welcome and any proof.
func FuzzWelcome(f *testing.F) {
	c, a := plainCaller(f), plainAnswerer(f)
	hello, _ := c.begin()
	welcome, _ := a.welcome(parsed(f, hello, typeHello), hello)
	f.Add(welcome[headSize:], bytes.Repeat([]byte{1}, proofSize))
	f.Fuzz(func(t *testing.T, body, proof []byte) {
		c := plainCaller(t)
		if _, err := c.begin(); err != nil {
			t.Fatal(err)
		}
		fs, err := parseFields(body)
		if err != nil {
			return
		}
		if _, err := c.confirm(&fs, body); err != nil {
			return
		}
		if _, err := c.finish(&fields{tagProof: proof}); err == nil {
			t.Fatal("taken for the other end")
		}
	})
}

func FuzzJoin(f *testing.F) {
	key := bytes.Repeat([]byte{1}, 32)
	join, _ := joinMessage(nil, bytes.Repeat([]byte{2}, 32), make([]byte, sessionSize), 1, nil)
	f.Add(join)
	f.Fuzz(func(t *testing.T, raw []byte) {
		if joinProved(key, raw, nil) || joinedProved(key, join, raw, nil) {
			t.Fatal("proved without the key")
		}
		if fs, err := parseFields(raw); err == nil {
			checkJoin(&fs)
		}
	})
}

func FuzzKnownPeers(f *testing.F) {
	f.Add([]byte("# comment\n\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA  \"a b\"  2026-11-21T09:00:00Z  \"\"\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		lines, err := parseKnown("f", text)
		if err != nil {
			return
		}
		var out bytes.Buffer
		for _, l := range lines {
			out.WriteString(l.String() + "\n")
		}
		again, err := parseKnown("f", out.Bytes())
		if err != nil || len(again) != len(lines) {
			t.Fatalf("%q became %q: %v", text, &out, err)
		}
		for i, l := range again {
			if (l.peer == nil) != (lines[i].peer == nil) || (l.peer != nil && (l.peer.Name != lines[i].peer.Name || l.peer.Addr != lines[i].peer.Addr || !l.peer.Since.Equal(lines[i].peer.Since.Truncate(time.Second)))) {
				t.Fatalf("%v became %v", lines[i], l)
			}
		}
	})
}
