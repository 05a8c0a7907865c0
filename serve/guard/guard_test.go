package guard

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/imago-ml/imago/serve/problem"
)

const token = "a-token-of-many-characters"

// echo answers with the method, the path and the length of the body.
func echo(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		problem.Write(w, err)
		return
	}
	fmt.Fprintf(w, "%s %s %d", r.Method, r.URL.RequestURI(), len(b))
}

// start returns the address of a server on a loopback port.
func start(t *testing.T, opt Options) (*Guard, string) {
	t.Helper()
	g, err := New(opt)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := g.Server(http.HandlerFunc(echo))
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return g, listener.Addr().String()
}

// ask sends a request with headers, "Name: value" each, and returns the answer with its body.
func ask(t *testing.T, method, address string, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			r.Host = value
		}
		r.Header.Add(name, value)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode >= 400 {
		var p problem.Problem
		if err := json.Unmarshal(b, &p); err != nil || p.Status != resp.StatusCode || p.Detail == "" {
			t.Errorf("%s %s: %d with %q, which is no problem", method, address, resp.StatusCode, b)
		}
	}
	if resp.Header.Get("Content-Security-Policy") != Policy || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%s %s: headers %v", method, address, resp.Header)
	}
	return resp, string(b)
}

func TestHosts(t *testing.T) {
	_, addr := start(t, Options{Hosts: []string{"Imago.example.org", "[::2]:99"}})
	_, port, _ := net.SplitHostPort(addr)
	for host, want := range map[string]int{
		addr: 200, "localhost:" + port: 200, "[::1]:" + port: 200, "127.0.0.1": 200, "LOCALHOST.:1234": 200,
		"imago.example.org": 200, "imago.example.org:8443": 200, "[::2]:99": 200,
		"[::2]:98": 421, "evil.example": 421, "localhost.evil.example": 421, "127.0.0.1.nip.io:" + port: 421, "10.0.0.1": 421,
		"0.0.0.0:" + port: 421, "2130706433": 421, "imago.example.org.evil": 421,
	} {
		if resp, _ := ask(t, "GET", "http://"+addr+"/", "", "Host: "+host); resp.StatusCode != want {
			t.Errorf("Host %s: %d, want %d", host, resp.StatusCode, want)
		}
	}
}

// TestLocalAddress checks that the number of the connection's own end is a Host.
func TestLocalAddress(t *testing.T) {
	g, _ := New(Options{})
	handler := g.Wrap(http.HandlerFunc(echo))
	for host, want := range map[string]int{"192.0.2.7:80": 200, "192.0.2.8:80": 421} {
		r := httptest.NewRequest("GET", "http://"+host+"/", nil)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r.WithContext(withLocal(r.Context(), "192.0.2.7:80")))
		if w.Code != want {
			t.Errorf("%s: %d, want %d", host, w.Code, want)
		}
	}
}

func TestOrigins(t *testing.T) {
	_, addr := start(t, Options{Origins: []string{"https://app.example.org"}})
	for _, c := range []struct {
		method  string
		headers []string
		want    int
	}{
		{"POST", nil, 200}, // a program
		{"POST", []string{"Origin: http://" + addr}, 200},
		{"POST", []string{"Origin: http://" + addr, "Sec-Fetch-Site: same-origin"}, 200},
		{"POST", []string{"Origin: https://" + addr}, 403},
		{"POST", []string{"Origin: http://localhost:1"}, 403}, // another server of this machine
		{"POST", []string{"Origin: null"}, 403},
		{"GET", []string{"Origin: https://evil.example"}, 403},
		{"GET", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"}, 403},
		{"GET", []string{"Sec-Fetch-Site: same-site"}, 403},
		{"GET", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}, 200},
		{"GET", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"}, 403},
		{"POST", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}, 403},
		{"POST", []string{"Origin: https://app.example.org", "Sec-Fetch-Site: cross-site"}, 200},
		{"OPTIONS", []string{"Origin: https://app.example.org", "Access-Control-Request-Method: POST"}, 204},
		{"OPTIONS", []string{"Origin: https://evil.example", "Access-Control-Request-Method: POST"}, 403},
	} {
		resp, _ := ask(t, c.method, "http://"+addr+"/x", "", c.headers...)
		if resp.StatusCode != c.want {
			t.Errorf("%s %v: %d, want %d", c.method, c.headers, resp.StatusCode, c.want)
		}
		allowed := resp.Header.Get("Access-Control-Allow-Origin")
		if wants := strings.Contains(strings.Join(c.headers, ""), "app.example"); wants != (allowed == "https://app.example.org") {
			t.Errorf("%s %v: allowed origin %q", c.method, c.headers, allowed)
		}
	}
}

func TestBearer(t *testing.T) {
	_, addr := start(t, Options{Token: token, Public: func(r *http.Request) bool { return r.URL.Path == "/healthz" }})
	for header, want := range map[string]int{
		"Authorization: Bearer " + token: 200, "Authorization: bearer " + token: 200, "Authorization: Bearer " + token + "x": 401,
		"Authorization: Basic " + token: 401, "Authorization: Bearer ": 401, "X: y": 401,
	} {
		resp, body := ask(t, "POST", "http://"+addr+"/x", "abc", header)
		if resp.StatusCode != want || want == 401 && resp.Header.Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%s: %d %v, want %d", header, resp.StatusCode, resp.Header, want)
		}
		if strings.Contains(body, token) {
			t.Errorf("%s: the answer has the token: %s", header, body)
		}
	}
	if resp, _ := ask(t, "GET", "http://"+addr+"/healthz", ""); resp.StatusCode != 200 {
		t.Errorf("a public path: %d", resp.StatusCode)
	}
	if resp, _ := ask(t, "GET", "http://"+addr+"/?token="+token, ""); resp.StatusCode != 401 {
		t.Errorf("the bearer token in an address: %d", resp.StatusCode)
	}
}

func TestOneTime(t *testing.T) {
	var next []string
	g, addr := start(t, Options{OneTime: true, Token: token, Spent: func(s string) { next = append(next, s) }})
	first := g.OneTime()
	origin := "Origin: http://" + addr
	if resp, _ := ask(t, "GET", "http://"+addr+"/", ""); resp.StatusCode != 401 {
		t.Errorf("no token: %d", resp.StatusCode)
	}
	if resp, _ := ask(t, "GET", "http://"+addr+"/?token=", ""); resp.StatusCode != 401 {
		t.Errorf("an empty token: %d", resp.StatusCode)
	}
	if resp, _ := ask(t, "POST", "http://"+addr+"/?token="+first, "", origin); resp.StatusCode != 401 {
		t.Errorf("a one-time token that is posted: %d", resp.StatusCode)
	}
	resp, _ := ask(t, "GET", "http://"+addr+"//evil.example/a?b=1&token="+first, "")
	if resp.StatusCode != 303 || resp.Header.Get("Location") != "/evil.example/a?b=1" || resp.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d to %q", resp.StatusCode, resp.Header.Get("Location"))
	}
	cookies := resp.Cookies()
	if len(cookies) != 1 || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteStrictMode || cookies[0].Path != "/" {
		t.Fatalf("cookies %v", cookies)
	}
	_, port, _ := net.SplitHostPort(addr)
	cookie := "Cookie: " + cookies[0].Name + "=" + cookies[0].Value
	if cookies[0].Name != "imago-"+port {
		t.Errorf("the cookie is called %s", cookies[0].Name)
	}
	if len(next) != 1 || next[0] == first || g.OneTime() != next[0] {
		t.Errorf("the next tokens are %v", next)
	}
	for _, c := range []struct {
		method, path string
		headers      []string
		want         int
	}{
		{"GET", "/", []string{cookie}, 200},
		{"GET", "/", []string{"Cookie: " + cookies[0].Name + "=x"}, 401},
		{"GET", "/?token=" + first, []string{cookie}, 303}, // the back button
		{"GET", "/?token=" + first, nil, 401},              // spent
		{"POST", "/", []string{cookie, origin}, 200},
		{"POST", "/", []string{cookie}, 403},
		{"DELETE", "/", []string{cookie, "Origin: http://127.0.0.1:1"}, 403},
		{"POST", "/", []string{"Authorization: Bearer " + token}, 200},
	} {
		if resp, _ := ask(t, c.method, "http://"+addr+c.path, "", c.headers...); resp.StatusCode != c.want {
			t.Errorf("%s %s %v: %d, want %d", c.method, c.path, c.headers, resp.StatusCode, c.want)
		}
	}
	if len(next) != 1 {
		t.Errorf("%d tokens were spent, want 1", len(next))
	}
	// A browser too many takes the place of the first.
	for range maxSessions {
		ask(t, "GET", "http://"+addr+"/?token="+url.QueryEscape(g.OneTime()), "")
	}
	if resp, _ := ask(t, "GET", "http://"+addr+"/", "", cookie); resp.StatusCode != 401 {
		t.Errorf("the first of %d browsers: %d", maxSessions+1, resp.StatusCode)
	}
}

func TestBodies(t *testing.T) {
	_, addr := start(t, Options{MaxBody: func(r *http.Request) int64 {
		if r.URL.Path == "/long" {
			return 100
		}
		return 10
	}, BodyTime: 300 * time.Millisecond})
	for _, c := range []struct {
		path string
		n    int
		want int
	}{{"/", 10, 200}, {"/", 11, 413}, {"/long", 100, 200}, {"/long", 101, 413}} {
		if resp, _ := ask(t, "POST", "http://"+addr+c.path, strings.Repeat("x", c.n)); resp.StatusCode != c.want {
			t.Errorf("%d bytes to %s: %d, want %d", c.n, c.path, resp.StatusCode, c.want)
		}
	}
	chunked, err := http.Post("http://"+addr+"/", "text/plain", io.MultiReader(bytes.NewReader(make([]byte, 8)), bytes.NewReader(make([]byte, 8))))
	if err != nil {
		t.Fatal(err)
	}
	chunked.Body.Close()
	if chunked.StatusCode != 413 {
		t.Errorf("a long body of unknown length: %d", chunked.StatusCode)
	}

	// A slow body is given up; the answer comes on the same connection.
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nab")
	began := time.Now()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 408 || time.Since(began) > 5*time.Second {
		t.Errorf("a slow body: %d after %v", resp.StatusCode, time.Since(began))
	}
}

// TestLongAnswer checks that an answer may take longer than a body may, on a connection that is used again.
func TestLongAnswer(t *testing.T) {
	g, err := New(Options{BodyTime: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		select {
		case <-r.Context().Done():
			t.Error("the request was cancelled")
		case <-time.After(200 * time.Millisecond):
		}
		io.WriteString(w, "done")
	})))
	defer server.Close()
	for range 2 {
		resp, err := http.Post(server.URL, "text/plain", strings.NewReader("abc"))
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || string(b) != "done" {
			t.Errorf("%q, %v", b, err)
		}
	}
}

func TestOptions(t *testing.T) {
	for want, opt := range map[string]Options{
		"a bearer token of 5 characters":          {Token: "short"},
		"letters, digits and signs":               {Token: "with a space in it, and long"},
		`"http://x" is no host`:                   {Hosts: []string{"http://x"}},
		`"*" is no host`:                          {Hosts: []string{"*"}},
		`"app.example.org" is no origin`:          {Origins: []string{"app.example.org"}},
		`"https://app.example.org/" is no origin`: {Origins: []string{"https://app.example.org/"}},
		`"null" is no origin`:                     {Origins: []string{"null"}},
	} {
		if _, err := New(opt); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", opt, err, want)
		}
	}
}

// FuzzRequest sends hostile headers: no answer but those that are meant, and a page of another origin gets nothing.
func FuzzRequest(f *testing.F) {
	f.Add("localhost:1", "http://localhost:1", "imago-1=x", "Bearer x", "/?token=x")
	f.Add("[::1", "null", "imago-1=\"", "bearer", "//a\\b?token=%zz")
	g, err := New(Options{Token: token, OneTime: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, host, origin, cookie, authorization, target string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || strings.Contains(target, g.OneTime()) || strings.Contains(authorization, token) {
			return
		}
		r := &http.Request{Method: "GET", URL: u, Host: host, Header: http.Header{"Origin": {origin}, "Cookie": {cookie}, "Authorization": {authorization}}, Body: http.NoBody}
		w := httptest.NewRecorder()
		g.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("let in") })).ServeHTTP(w, r)
		if w.Code != 401 && w.Code != 403 && w.Code != 421 {
			t.Errorf("%d", w.Code)
		}
	})
}

// withLocal returns a context as that of a request on a connection with such an end of its own.
func withLocal(ctx context.Context, addr string) context.Context {
	a, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		panic(err)
	}
	return context.WithValue(ctx, http.LocalAddrContextKey, a)
}
