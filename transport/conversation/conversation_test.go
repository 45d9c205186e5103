package conversation_test

import (
	"strings"
	"testing"

	"dialtone/transport/conversation"
)

// play plays the one conversation that the lines are with our machine.
func play(t *testing.T, lines string) error {
	t.Helper()
	scripts, err := conversation.Parse("x.txt", "== test\n"+lines)
	if err != nil {
		t.Fatal(err)
	}
	return scripts[0].Play(conversation.NewMachine(scripts[0]))
}

// TestWhatDoesNotHoldIsFound: a conversation must be able to fail, at every word.
func TestWhatDoesNotHoldIsFound(t *testing.T) {
	for lines, want := range map[string]string{
		"established\nwrite 100\n> PSH+ACK 1+100 ack 1":                                 "",
		"established\nwrite 100\n> PSH+ACK 1+99 ack 1":                                  "it sent PSH+ACK 1+100 ack 1 win ",
		"established\nwrite 100\n> PSH+ACK 2+100 ack 1":                                 "it sent",
		"established\nwrite 100\n> PSH+ACK 1+100 ack 2":                                 "it sent",
		"established\nwrite 100\n> FIN+ACK 1+100 ack 1":                                 "it sent",
		"established\nwrite 100\n> ACK 1+100 win 7":                                     "it sent",
		"established\nwrite 100\n> ACK 1+100 <NOP>":                                     "it sent",
		"established\nwrite 100":                                                        "it sent",
		"established\nwrite 100\nsilent 1s":                                             "it sent",
		"established\nwrite 100\nstate ESTABLISHED\nclose":                              "at 0s it sent",
		"established\n> ACK 1 ack 1":                                                    "nothing was sent",
		"connect\n> SYN 0\n+1.1s > SYN 0":                                               "after 1s already it sent SYN 0",
		"connect\n> SYN 0\n+900ms > SYN 0":                                              "nothing was sent",
		"connect\n> SYN 0\n+900ms..1.1s > SYN 0":                                        "",
		"connect\n> SYN 0 <MSS 1460, SACK permitted, scale 7, timestamps>":              "it sent",
		"connect\n> SYN 0 <MSS 1460, SACK permitted, timestamps, scale 7>":              "",
		"connect\n> SYN 0 <MSS 1460, SACK permitted, timestamps 3, scale 7>":            "it sent",
		"established\nstate CLOSE_WAIT":                                                 "it is in ESTABLISHED",
		"established\nerror ECONNRESET":                                                 "the error is none, not ECONNRESET",
		"established\nread 1":                                                           "0 bytes were read, error EAGAIN",
		"established\nread end":                                                         "the error is EAGAIN, not none",
		"established\n< ACK 1+2 ack 1\n> ACK 1 ack 3\nread end":                         "1 bytes were read",
		"established\ninfo cwnd 9":                                                      "cwnd is 10",
		"established\ninfo cwnd 9..11":                                                  "",
		"established\nlinux: state CLOSED # for the other end\nours: state ESTABLISHED": "",
	} {
		err := play(t, lines)
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", lines, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: %v, want ... %s", lines, err, want)
		}
	}
}

// TestFailureTellsTheConversation: what was said so far, what was wanted, what came.
func TestFailureTellsTheConversation(t *testing.T) {
	err := play(t, "listen\n< SYN 0 win 1000 <MSS 1460>\n+5ms > SYN+ACK 7")
	want := `x/test, line 4 of x.txt:
        0s  listen
        0s  < SYN 0 win 1000 <MSS 1460>
    wanted  > SYN+ACK 7
       but  after 0s already it sent SYN+ACK 0 ack 1 win 64240 <MSS 1460>`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// TestParseErrorsNameTheLine: and say what is wrong with it.
func TestParseErrorsNameTheLine(t *testing.T) {
	for text, want := range map[string]string{
		"connect":                          "x.txt:1: \"connect\": no conversation has begun",
		"== a\n== a":                       "x.txt:2: \"== a\": a second conversation of that name",
		"== a\nconect":                     "nothing is called \"conect\"",
		"== a\n> SIN 0":                    "no flag is called \"SIN\"",
		"== a\n> SYN 0 <MSS 1460":          "options end with >",
		"== a\n> SYN 0 <MSS>":              "option MSS with 0 numbers, want 1",
		"== a\n> SYN 0 <SACK 1-2-3>":       "option SACK with 3 numbers, want 2",
		"== a\n> SYN 0 ark 7":              "a segment has no \"ark\"",
		"== a\n< ACK":                      "the peer's segment needs a sequence number",
		"== a\n+5 connect":                 "missing unit in duration",
		"== a\n+5ms..1ms connect":          "runs backwards",
		"== a\nlinux: connect":             "needs a comment that says why",
		"== a\nstate OPEN":                 "TCP state \"OPEN\"",
		"== a\nerror EWHAT":                "no error is called \"EWHAT\"",
		"== a\nwrite x":                    "invalid syntax",
		"== a\nread":                       "want read N",
		"== a\ngiven":                      "nothing is called \"\"",
		"== a\ngiven wings 2":              "nothing is called \"wings\"",
		"== a\n< ICMP no route":            "no ICMP message is called \"no route\"",
		"== a\ninfo mood 3":                "no number is called \"mood\"",
		"== a\nnever # because it is late": "want ours: never or linux: never",
	} {
		_, err := conversation.Parse("x.txt", text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want ... %s", text, err, want)
		}
	}
}

// FuzzParse: no text makes Parse panic.
func FuzzParse(f *testing.F) {
	f.Add("== a\nestablished with SACK permitted, RTT 5ms\nwrite 3000\n< ACK 1 ack 1 <SACK 1461-3001>\nclose")
	f.Add("== a\nlisten\n< SYN+FIN 0+5 <bytes 0204>\naccept\nabort\nconnect")
	f.Add("== a\ngiven receive buffer 1\naccepted with timestamps 5, scale 99\n< RST 1\nread end\n< ICMP fragmentation needed MTU 3")
	f.Fuzz(func(t *testing.T, text string) {
		scripts, err := conversation.Parse("x.txt", text)
		if err == nil {
			for _, s := range scripts {
				_ = s.Lasts()
			}
		}
	})
}
