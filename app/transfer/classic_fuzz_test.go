package transfer

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dialtone/app/digest"
)

// FuzzReceiveClassic lets a sender say anything at any pace: "|" and a letter is
// a pause, a millisecond for a, four for b, sixteen for c and so on. Whatever it does, the receiver ends, keeps
// nothing that did not come whole under a good name, and says nothing but OK.
func FuzzReceiveClassic(f *testing.F) {
	for _, s := range []string{
		"a.txt|zhello", "a.txt\nhello", "a.txt|z5|zhello", "a.txt\n5\nhello", "a.txt|z5hello", "a.txt|z0|z", "a.txt|z007|z",
		"../a|z", "|z", "a.txt|z99999999999999999999|z", "a.txt|h5\n|h12345|h!", "a\x00\x00|z1\x00\x00|z2", "\x16\x03\x01", "GET / HTTP/1.1\r\n\r\n",
	} {
		for v := range uint8(3) {
			f.Add(v, v, s)
		}
	}
	f.Fuzz(func(t *testing.T, v, ending uint8, said string) {
		synctest.Test(t, func(t *testing.T) {
			fuzzReceive(t, Classic1+Classic(v%3), []string{"end", "reset", "stay"}[ending%3], said)
		})
	})
}

func fuzzReceive(t *testing.T, v Classic, ending, text string) {
	const most = 1000
	there, here := newClassicWires(t)
	said, all := paced(text)
	done := make(chan struct{})
	go func() { defer close(done); classicScript(there, ending, said...) }()
	var dst classicShelf
	sum, err := ReceiveClassic(t.Context(), here, v, &dst, ReceiveOptions{MaxBytes: most})
	answer := classicHeard(there)
	<-done

	body := dst.body.String()
	switch {
	case dst.name != "" && checkClassicName(dst.name) != nil:
		t.Errorf("it believes in the name %q", dst.name)
	case dst.kept != (err == nil) || err == nil && dst.gone:
		t.Errorf("%v, kept %v, gone %v", err, dst.kept, dst.gone)
	case err != nil && dst.name != "" && !dst.gone:
		t.Errorf("%v, and the file is not gone", err)
	case err == nil && (sum.Sum != digest.Of([]byte(body)) || len(body) > most):
		t.Errorf("%d bytes, %+v", len(body), sum)
	case err == nil && (!strings.HasPrefix(all, dst.name) || !strings.Contains(all, body)):
		t.Errorf("%q with %q was never said: %q", dst.name, body, all)
	case strings.Trim(strings.TrimSuffix(answer, " reset"), "okOK\n") != "" || len(answer) > len("ok\nOK\nOK\n reset"):
		t.Errorf("it says %q", answer)
	}
}

// paced makes a script of text, and returns what it says in all.
func paced(text string) (said []classicSay, all string) {
	first, rest, _ := strings.Cut(text, "|")
	said, all = []classicSay{{first, 0}}, first
	for rest != "" {
		pause := time.Millisecond << (2 * min(rest[0]%32, 10))
		var part string
		part, rest, _ = strings.Cut(rest[1:], "|")
		said, all = append(said, classicSay{part, pause}), all+part
	}
	return said, all
}

// FuzzClassicAnswer lets a receiver say anything for an answer: the sender takes
// it or fails, and what it makes of it is safe to show.
func FuzzClassicAnswer(f *testing.F) {
	for _, s := range []string{"ok", "OK\n", "OKOKOK", "o|bk", " \r\n|fok", "no", "okay", "\x1b]0;x\x07", "OK, go on\nOK\nOK\n", "o"} {
		f.Add(false, s)
		f.Add(true, s)
	}
	f.Fuzz(func(t *testing.T, three bool, text string) {
		synctest.Test(t, func(t *testing.T) {
			v := Classic1
			if three {
				v = Classic3
			}
			there, here := newClassicWires(t)
			said, all := paced(text)
			done := make(chan struct{})
			go func() { defer close(done); classicScript(there, "end", said...) }()
			_, err := SendClassic(t.Context(), here, v, "a.txt", strings.NewReader("hello"), 5, SendOptions{})
			<-done
			if err == nil && !strings.Contains(strings.ToLower(all), "ok") {
				t.Errorf("%q is no OK", all)
			}
			if err != nil && strings.ContainsAny(err.Error(), "\x1b\n\r\x07") {
				t.Errorf("%q", err)
			}
		})
	})
}
