package board

import (
	"crypto/rand"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// Who may look. A page on this machine can be asked for by every user of the machine, by
// every other page that the browser shows, and, not on loopback, by the network. So:
//
//  1. The Host of a request must be an IP address, localhost, or the name that the server
//     was given: a name that somebody rebinds to this address (DNS rebinding) is none.
//  2. The printed URL has a token. Whoever brings it gets a cookie, and is sent on to a
//     path that nobody can guess: cookies go to every port of a host, but not to another path.
//     The cookie is HttpOnly, which no script can read, and SameSite=Strict, which no other
//     site's request has.
//  3. What another origin asks for is refused, by Sec-Fetch-Site or Origin. There is nothing but
//     GET, and nothing changes by it.
//  4. Every answer forbids the browser other sources of scripts, to make code of text, to put
//     the page in a frame, to tell others where it was, and to keep it.

// keys are what opens the door; all are random for each run.
type keys struct {
	token  string // in the URL
	cookie string // what it is exchanged for
	path   string // "/…/", where everything is
}

func newKeys() keys { return keys{rand.Text(), rand.Text(), "/" + rand.Text()[:16] + "/"} }

// cookieName is what the cookie is called; its path tells those of several servers apart.
const cookieName = "dialtone"

// URL is where the page is, for a server at an address. Whoever knows it may look.
func (b *Board) URL(at net.Addr) string {
	host := at.String()
	if a, err := netip.ParseAddrPort(host); err == nil && a.Addr().IsUnspecified() {
		host = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), a.Port()).String()
	}
	if b.config.Host != "" {
		if _, port, err := net.SplitHostPort(host); err == nil {
			host = net.JoinHostPort(b.config.Host, port)
		}
	}
	return (&url.URL{Scheme: "http", Host: host, Path: "/", RawQuery: "token=" + b.keys.token}).String()
}

// handler is the whole server.
func (b *Board) handler() http.Handler {
	inside := http.NewServeMux()
	inside.HandleFunc("GET /events", b.serveStream)
	inside.HandleFunc("GET /connection", b.serveConnection)
	inside.HandleFunc("GET /arrow", b.serveArrow)
	inside.HandleFunc("GET /first.json", b.serveFirst)
	inside.Handle("GET /", pageHandler())
	all := http.NewServeMux()
	all.HandleFunc("GET /{$}", b.serveEntrance)
	all.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }) // asked for before there is a page
	all.Handle("GET "+b.keys.path, b.known(http.StripPrefix(strings.TrimSuffix(b.keys.path, "/"), inside)))
	all.HandleFunc("/", notLetIn)
	return b.addressed(http.NewCrossOriginProtection().Handler(all))
}

// policy is what a page may do: nothing that is not ours, and no code out of text.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// addressed refuses what is for another host, and sets what every answer says.
func (b *Board) addressed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if !b.ours(r.Host) {
			http.Error(w, "this is not the host that you asked for", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ours reports whether a request may be for host.
func (b *Board) ours(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	_, err = netip.ParseAddr(name)
	return err == nil || strings.EqualFold(name, "localhost") || b.config.Host != "" && strings.EqualFold(name, b.config.Host)
}

// serveEntrance exchanges the token for the cookie. It answers with a page that goes on
// by itself, for a redirection that began on another site would come without the cookie.
func (b *Board) serveEntrance(w http.ResponseWriter, r *http.Request) {
	if !same(r.FormValue("token"), b.keys.token) {
		notLetIn(w, r)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: b.keys.cookie, Path: b.keys.path, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write([]byte(`<!doctype html><meta http-equiv="refresh" content="0; url=` + b.keys.path + `"><title>dialtone watch</title>`))
}

// known lets those in who have the cookie, and who ask from the page itself.
func (b *Board) known(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookie, err := r.Cookie(cookieName)
		site := r.Header.Get("Sec-Fetch-Site") // "" from what is no browser
		if err != nil || !same(cookie.Value, b.keys.cookie) || site != "" && site != "same-origin" && site != "none" {
			notLetIn(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func notLetIn(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "Open the address that dialtone watch --web has printed: it has the token that lets you in.", http.StatusForbidden)
}
