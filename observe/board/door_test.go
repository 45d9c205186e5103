package board

import (
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"dialtone/observe/live"
	"dialtone/transport/tcp"
)

// visitor is a browser's part: cookies, headers.
type visitor struct {
	*stage
	client *http.Client
}

func (s *stage) visitor() *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.Fatal(err)
	}
	transport := &http.Transport{}
	s.Cleanup(transport.CloseIdleConnections)
	return &visitor{s, &http.Client{Jar: jar, Transport: transport}}
}

// enter brings the token.
func (v *visitor) enter() *visitor {
	v.Helper()
	answer, body := v.get("http://" + v.addr + "/?token=" + v.board.keys.token)
	if answer.StatusCode != http.StatusOK || !strings.Contains(body, "url="+v.board.keys.path) {
		v.Fatalf("the printed URL answers %s: %s", answer.Status, body)
	}
	return v
}

// inside is the address of something behind the door.
func (v *visitor) inside(name string) string {
	return "http://" + v.addr + v.board.keys.path + name
}

func (v *visitor) get(url string, headers ...string) (*http.Response, string) {
	v.Helper()
	return v.ask(http.MethodGet, url, headers...)
}

func (v *visitor) ask(method, url string, headers ...string) (*http.Response, string) {
	v.Helper()
	request, err := http.NewRequestWithContext(v.Context(), method, url, nil)
	if err != nil {
		v.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			request.Host = headers[i+1]
		} else {
			request.Header.Set(headers[i], headers[i+1])
		}
	}
	answer, err := v.client.Do(request)
	if err != nil {
		v.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		v.Fatal(err)
	}
	return answer, string(body)
}

func TestOnlyTheTokenLetsIn(t *testing.T) {
	t.Parallel()
	s := newStage(t, Config{})
	s.put(1, tcp.Listen, nil)
	s.look()
	stranger, guest := s.visitor(), s.visitor().enter()
	for _, url := range []string{
		"http://" + s.addr + "/", "http://" + s.addr + "/?token=", "http://" + s.addr + "/?token=" + s.board.keys.token + "x", "http://" + s.addr + "/?token=" + s.board.keys.cookie,
		stranger.inside(""), stranger.inside("app.js"), stranger.inside("events"), stranger.inside("connection?id=1"), stranger.inside("arrow?from=1&to=2"), stranger.inside("../"), "http://" + s.addr + "/app.js",
	} {
		answer, body := stranger.get(url)
		if answer.StatusCode != http.StatusForbidden || !strings.Contains(body, "has printed") || len(answer.Cookies()) > 0 {
			t.Errorf("without the token, %s answers %s: %.80s", url, answer.Status, body)
		}
	}
	for name, want := range map[string]string{"": "<!doctype html>", "app.js": "class App", "palette.css": "--paper", "first.json": `"CLOSE_WAIT"`} {
		if answer, body := guest.get(guest.inside(name)); answer.StatusCode != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("with the token, %q answers %s: %.80s", name, answer.Status, body)
		}
	}
}

func TestTheCookieStaysWhereItBelongs(t *testing.T) {
	t.Parallel()
	s := newStage(t, Config{})
	answer, body := s.visitor().get(s.url())
	cookies := answer.Cookies()
	if len(cookies) != 1 {
		t.Fatalf("%d cookies", len(cookies))
	}
	c := cookies[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != s.board.keys.path || len(c.Path) < 16 || c.Domain != "" || c.MaxAge != 0 {
		t.Errorf("cookie %v", c)
	}
	if strings.Contains(body, s.board.keys.token) || c.Value == s.board.keys.token {
		t.Error("the token goes on")
	}
}

func TestOtherHostsAndOriginsAreRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t, Config{Host: "tower.example"})
	v := s.visitor().enter()
	for host, want := range map[string]int{
		"evil.example": 421, "evil.example:80": 421, "127.0.0.1.evil.example": 421, "localhost.evil.example": 421, "": 421,
		"localhost:99": 200, "LOCALHOST": 200, "[::1]:80": 200, "::1": 200, "10.0.0.1": 200, "tower.example:8080": 200,
	} {
		if host == "" {
			continue // Go's client sends none
		}
		if answer, _ := v.get(v.inside("first.json"), "Host", host, "Cookie", cookieName+"="+s.board.keys.cookie); answer.StatusCode != want {
			t.Errorf("Host %q: %s, want %d", host, answer.Status, want)
		}
	}
	for site, want := range map[string]int{"cross-site": 403, "same-site": 403, "same-origin": 200, "none": 200} {
		if answer, _ := v.get(v.inside("first.json"), "Sec-Fetch-Site", site); answer.StatusCode != want {
			t.Errorf("asked for by %s: %s, want %d", site, answer.Status, want)
		}
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
		for _, site := range []string{"cross-site", "same-origin"} {
			if answer, _ := v.ask(method, v.inside("events"), "Sec-Fetch-Site", site); answer.StatusCode < 400 {
				t.Errorf("%s from %s: %s", method, site, answer.Status)
			}
		}
	}
}

func TestEveryAnswerForbidsTheBrowserToBeUsed(t *testing.T) {
	t.Parallel()
	s := newStage(t, Config{})
	v := s.visitor().enter()
	for _, url := range []string{s.url(), v.inside(""), v.inside("app.js"), v.inside("first.json"), v.inside("nothing"), "http://" + s.addr + "/"} {
		answer, _ := v.get(url)
		csp := answer.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "form-action 'none'", "require-trusted-types-for 'script'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: policy %q, without %s", url, csp, want)
			}
		}
		if strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") {
			t.Errorf("policy %q", csp)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "same-origin"} {
			if got := answer.Header.Get(name); got != want && (answer.StatusCode == http.StatusOK || name != "Cache-Control") {
				t.Errorf("%s: %s %q, want %q", url, name, got, want)
			}
		}
	}
}

func TestThePrintedURL(t *testing.T) {
	t.Parallel()
	at := func(text string) net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(text)) }
	for text, want := range map[string]string{
		"127.0.0.1:80": "http://127.0.0.1:80/?token=", "[::1]:80": "http://[::1]:80/?token=", "0.0.0.0:80": "http://127.0.0.1:80/?token=", "[::]:80": "http://127.0.0.1:80/?token=",
	} {
		if got := New(live.New(live.Config{}), Config{}).URL(at(text)); !strings.HasPrefix(got, want) || len(got) < len(want)+20 {
			t.Errorf("at %s: %s, want %s…", text, got, want)
		}
	}
	if got := New(live.New(live.Config{}), Config{Host: "tower.example"}).URL(at("0.0.0.0:80")); !strings.HasPrefix(got, "http://tower.example:80/?token=") {
		t.Errorf("with a name: %s", got)
	}
}

// TestThePageHasNoInlineScripts, which the policy would stop.
func TestThePageHasNoInlineScripts(t *testing.T) {
	page, err := pageFiles.ReadFile("page/index.html")
	if err != nil {
		t.Fatal(err)
	}
	if bad := regexp.MustCompile(`<script>|\son[a-z]+=|\sstyle=|https?:`).Find(page); bad != nil {
		t.Errorf("index.html has %q", bad)
	}
	files, err := pageFiles.ReadDir("page")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := pageFiles.ReadFile("page/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "https://"} {
			if strings.Contains(string(text), bad) {
				t.Errorf("%s has %s", f.Name(), bad)
			}
		}
	}
}
