// Package guard stands before an HTTP handler and refuses what did not come from where it
// should: other hosts (DNS rebinding), pages of other origins (CSRF), requests without a token,
// bodies that are too long or too slow. It also sets the headers that keep a page from running
// or loading what the server did not send.
//
//	g, err := guard.New(guard.Options{OneTime: true, Spent: func(token string) {
//		fmt.Println("http://127.0.0.1:8080/?token=" + token)
//	}})
//	server := g.Server(handler)         // with limits on headers and idle connections
//	fmt.Println("http://127.0.0.1:8080/?token=" + g.OneTime())
//	err = server.Serve(listener)
//
// What is refused, in this order; each answer is a problem (package problem):
//
//   - 421, a Host that is neither a loopback name (127.0.0.1, [::1], localhost; with any port, as
//     a port may be forwarded), nor the address of the connection, nor one of Options.Hosts.
//     A page of another site whose name was turned to this address has its own name as Host.
//   - 403, a request of a page of another origin: an Origin that is not this server's, or a
//     Sec-Fetch-Site of another site that is no plain navigation. Options.Origins are exceptions,
//     which get the headers of CORS.
//   - 401, no token, where one is required.
//   - 403, a changing request (other than GET, HEAD and OPTIONS) that is known by its cookie alone
//     and has no Origin of this server.
//   - 413, 408: a body that is longer than Options.MaxBody, or not there after Options.BodyTime.
//
// A client is known by a bearer token (Options.Token: programs), or by a cookie that it got for a
// one-time token (Options.OneTime: browsers): GET /?token=T answers with an HttpOnly, SameSite=Strict
// cookie and a redirect to the same address without the token, which is spent from then on.
// Cookies are not separated by port: every server on the same host name is sent them. So is every
// server of one user's machine; that is why changing requests need the Origin as well.
//
// The package knows no model and no route, and logs nothing.
package guard

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/imago-ml/imago/serve/problem"
)

// Policy is the content security policy of a page that has all it needs from its server: no
// inline script, no other host, no frame. WebAssembly may be compiled.
const Policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; " +
	"connect-src 'self'; worker-src 'self'; media-src 'self' blob:; font-src 'self'; manifest-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Options say who may ask for what. The zero value lets every program of this machine in, and no
// page of another origin.
type Options struct {
	Hosts   []string // further names or addresses of the server, without or with a port: "imago.example.org"
	Origins []string // pages of other origins that may ask: "https://app.example.org"; they have no cookie
	Token   string   // the bearer token of programs; "" = none
	OneTime bool     // browsers come in by a one-time token
	// Spent is called with the next one-time token when one was spent, to print it. It may be nil.
	Spent func(next string)
	// Public reports whether a request needs no token, such as one for the state of health.
	Public func(*http.Request) bool
	// MaxBody returns the most bytes of the body of a request; nil is 1 MiB for each.
	MaxBody  func(*http.Request) int64
	BodyTime time.Duration // for reading a body; 0 = 30 s
	Policy   string        // the content security policy; "" = Policy
}

// A Guard is made by New. Its methods are safe for concurrent use.
type Guard struct {
	opt     Options
	token   [sha256.Size]byte
	hosts   map[string]bool
	origins map[string]bool

	mu       sync.Mutex
	oneTime  string
	sessions [][sha256.Size]byte // of cookies, the oldest first
}

// maxSessions is how many browsers are known at a time; the one that came in first is forgotten.
const maxSessions = 256

// New returns a guard. It fails if a host or an origin cannot be one, or if the token is so short
// that it could be guessed.
func New(opt Options) (*Guard, error) {
	g := &Guard{opt: opt, token: sha256.Sum256([]byte(opt.Token)), hosts: map[string]bool{}, origins: map[string]bool{}}
	if opt.Token != "" && (len(opt.Token) < minToken || strings.ContainsFunc(opt.Token, func(r rune) bool { return r <= ' ' || r > '~' })) {
		return nil, fmt.Errorf("guard: a bearer token of %d characters: want %d or more, letters, digits and signs of ASCII without spaces", len(opt.Token), minToken)
	}
	for _, h := range opt.Hosts {
		name, port := splitHost(h)
		if name == "" || strings.ContainsAny(name, "/ @?#*") || strings.Trim(port, "0123456789") != "" {
			return nil, fmt.Errorf("guard: %q is no host: want a name or an address, such as imago.example.org", h)
		}
		if port != "" {
			name = net.JoinHostPort(name, port)
		}
		g.hosts[name] = true
	}
	for _, o := range opt.Origins {
		u, err := url.Parse(o)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Scheme+"://"+u.Host != o {
			return nil, fmt.Errorf("guard: %q is no origin: want a scheme, a host and a port if it is not the usual one, such as https://app.example.org", o)
		}
		g.origins[strings.ToLower(o)] = true
	}
	if opt.OneTime {
		g.oneTime = rand.Text()
	}
	if g.opt.BodyTime == 0 {
		g.opt.BodyTime = 30 * time.Second
	}
	if g.opt.Policy == "" {
		g.opt.Policy = Policy
	}
	return g, nil
}

// minToken is how long a bearer token must be, in characters.
const minToken = 16

// OneTime returns the one-time token that has not been spent; "" without Options.OneTime.
func (g *Guard) OneTime() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.oneTime
}

// Server returns a server of h behind the guard: a client has 10 s for its headers, which are at
// most 64 KiB, and an idle connection is closed after 2 minutes. The time of a body is the guard's,
// that of an answer the handler's, as a stream of events has no end.
func (g *Guard) Server(h http.Handler) *http.Server {
	return &http.Server{Handler: g.Wrap(h), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
}

// Wrap returns a handler that refuses what the guard does, and else calls next with a body that
// is limited in length and time.
func (g *Guard) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.setHeaders(w.Header())
		if err := g.admit(w, r); err != nil {
			if !errors.Is(err, errAnswered) {
				problem.Write(w, err)
			}
			return
		}
		if err := g.limit(w, r); err != nil {
			problem.Write(w, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// errAnswered marks a request that has its answer: a redirect.
var errAnswered = errors.New("answered")

func (g *Guard) setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", g.opt.Policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
}

// admit returns why a request is refused, errAnswered if it was answered here, or nil.
func (g *Guard) admit(w http.ResponseWriter, r *http.Request) error {
	if err := g.checkHost(r); err != nil {
		return err
	}
	origin := r.Header.Get("Origin")
	same := origin != "" && sameOrigin(origin, r)
	if err := g.checkOrigin(w, r, origin, same); err != nil {
		return err
	}
	if g.opt.Token == "" && !g.opt.OneTime || g.opt.Public != nil && g.opt.Public(r) {
		return nil
	}
	if g.bearer(r) {
		return nil
	}
	known := g.opt.OneTime && g.session(r)
	if g.opt.OneTime && r.Method == http.MethodGet && r.URL.Query().Has("token") {
		return g.exchange(w, r, known)
	}
	switch {
	case !known:
		return g.unknown(w)
	case changes(r) && !same:
		return problem.New(http.StatusForbidden, "a %s of a browser needs the Origin of this server", r.Method).Of("Origin", origin).
			Do("ask from the server's own page, or with a bearer token")
	}
	return nil
}

// unknown returns the problem of a request without a valid token.
func (g *Guard) unknown(w http.ResponseWriter) error {
	w.Header().Set("WWW-Authenticate", "Bearer")
	p := problem.New(http.StatusUnauthorized, "this server answers only those who have its token")
	if g.opt.OneTime {
		return p.Do("open the address that the program printed last: each is good for one browser, once")
	}
	return p.Of("Authorization", "").Do("send the header Authorization: Bearer and the token of the server")
}

func changes(r *http.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions
}

// splitHost returns the name, in lower case and without brackets, and the port of a Host.
func splitHost(host string) (name, port string) {
	name = host
	if h, p, err := net.SplitHostPort(host); err == nil {
		name, port = h, p
	} else {
		name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	}
	return strings.ToLower(strings.TrimSuffix(name, ".")), port
}

// checkHost returns why the Host of a request is not this server's, or nil.
func (g *Guard) checkHost(r *http.Request) error {
	name, port := splitHost(r.Host)
	switch {
	case name == "localhost" || name == "127.0.0.1" || name == "::1":
		return nil
	case g.hosts[name] || port != "" && g.hosts[net.JoinHostPort(name, port)]:
		return nil
	}
	if addr, err := netip.ParseAddr(name); err == nil {
		// A number is no name that others could turn to this address.
		if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
			if at, err := netip.ParseAddrPort(local.String()); err == nil && at.Addr().Unmap() == addr.Unmap() {
				return nil
			}
		}
	}
	return problem.New(http.StatusMisdirectedRequest, "this server is not called %q", r.Host).Of("Host", r.Host).
		Do("ask for localhost, or start the server with this name among its hosts")
}

// sameOrigin reports whether origin is that of the server as r calls it.
func sameOrigin(origin string, r *http.Request) bool {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	u, err := url.Parse(origin)
	return err == nil && u.Scheme == scheme && u.User == nil && u.Path == "" && strings.EqualFold(withPort(u.Host, scheme), withPort(r.Host, scheme))
}

// withPort returns host with the usual port of the scheme if it has none.
func withPort(host, scheme string) string {
	name, port := splitHost(host)
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	return net.JoinHostPort(name, port)
}

// checkOrigin returns why a request of a page of another origin is refused, or nil. It answers the
// preflight requests of CORS.
func (g *Guard) checkOrigin(w http.ResponseWriter, r *http.Request, origin string, same bool) error {
	if len(g.origins) > 0 {
		w.Header().Add("Vary", "Origin")
	}
	if origin != "" && g.origins[strings.ToLower(origin)] {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", "ETag, Retry-After, X-Imago-Shape, X-Imago-Step, Inference-Header-Content-Length")
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST")
			h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Accept, If-None-Match, X-Imago-Shape, Inference-Header-Content-Length")
			h.Set("Access-Control-Max-Age", "600")
			w.WriteHeader(http.StatusNoContent)
			return errAnswered
		}
		return nil
	}
	if origin != "" && !same {
		return problem.New(http.StatusForbidden, "a page of %s may not ask this server", origin).Of("Origin", origin).
			Do("start the server with this origin among those that may")
	}
	site := r.Header.Get("Sec-Fetch-Site")
	if site == "" || site == "same-origin" || site == "none" {
		return nil
	}
	if r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document" && !changes(r) {
		return nil // a link: the cookie is not sent with it
	}
	return problem.New(http.StatusForbidden, "a page of another site may not load from this server").Of("Sec-Fetch-Site", site)
}

// bearer reports whether r has the bearer token.
func (g *Guard) bearer(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if g.opt.Token == "" || !strings.EqualFold(scheme, "Bearer") {
		return false
	}
	sum := sha256.Sum256([]byte(strings.TrimSpace(token)))
	return subtle.ConstantTimeCompare(sum[:], g.token[:]) == 1
}

// cookieName returns the name of the cookie of a server. It has the port, as browsers keep one
// jar for all ports of a host.
func cookieName(r *http.Request) string {
	_, port := splitHost(r.Host)
	if port == "" || strings.Trim(port, "0123456789") != "" {
		port = "0"
	}
	return "imago-" + port
}

// session reports whether r has the cookie of a browser that came in by a one-time token.
func (g *Guard) session(r *http.Request) bool {
	for _, c := range r.CookiesNamed(cookieName(r)) {
		sum := sha256.Sum256([]byte(c.Value))
		g.mu.Lock()
		known := slices.Contains(g.sessions, sum)
		g.mu.Unlock()
		if known {
			return true
		}
	}
	return false
}

// exchange answers GET ?token=T: it gives a cookie for a one-time token that is not spent, and
// redirects to the address without it. A browser that is known already is redirected whatever T is.
func (g *Guard) exchange(w http.ResponseWriter, r *http.Request, known bool) error {
	query := r.URL.Query()
	token := query.Get("token")
	if !known {
		next, ok := g.spend(token)
		if !ok {
			return g.unknown(w)
		}
		value := rand.Text()
		g.mu.Lock()
		g.sessions = append(g.sessions, sha256.Sum256([]byte(value)))
		if n := len(g.sessions); n > maxSessions {
			g.sessions = slices.Clone(g.sessions[n-maxSessions:])
		}
		g.mu.Unlock()
		http.SetCookie(w, &http.Cookie{Name: cookieName(r), Value: value, Path: "/", HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode})
		if g.opt.Spent != nil {
			g.opt.Spent(next)
		}
	}
	query.Del("token")
	to := "/" + strings.TrimLeft(r.URL.EscapedPath(), "/\\") // "//host" would be another host
	if q := query.Encode(); q != "" {
		to += "?" + q
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
	return errAnswered
}

// spend takes a one-time token and returns the next; ok is false if it is not the one that is due.
func (g *Guard) spend(token string) (next string, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if subtle.ConstantTimeCompare([]byte(token), []byte(g.oneTime)) != 1 {
		return "", false
	}
	g.oneTime = rand.Text()
	return g.oneTime, true
}

// limit bounds the length and the time of the body of r.
func (g *Guard) limit(w http.ResponseWriter, r *http.Request) error {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	most := int64(1 << 20)
	if g.opt.MaxBody != nil {
		most = g.opt.MaxBody(r)
	}
	if r.ContentLength > most {
		w.Header().Set("Connection", "close") // the body is not read
		return problem.TooLong(most)
	}
	b := &body{ReadCloser: http.MaxBytesReader(w, r.Body, most), conn: http.NewResponseController(w)}
	if err := b.conn.SetReadDeadline(time.Now().Add(g.opt.BodyTime)); err == nil { // else the writer has no connection: a test's
		b.limited = true
	}
	r.Body = b
	return nil
}

// A body ends the deadline of its connection when it has been read, because a handler that
// answers for longer must not lose its connection by it.
type body struct {
	io.ReadCloser
	conn    *http.ResponseController
	limited bool
}

// Read reads from the body. After the deadline it fails with a problem of status 408.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch {
	case err == nil:
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = problem.New(http.StatusRequestTimeout, "the body did not come in time").Of("body", "")
	case b.limited:
		b.limited = false
		_ = b.conn.SetReadDeadline(time.Time{}) // it could be set, so it can be unset, or the connection is gone
	}
	return n, err
}
