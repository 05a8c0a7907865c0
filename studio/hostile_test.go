package studio

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/png"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/backend"
)

// TestStrangers checks that who has no token, is another page, or calls the server by another name gets nothing.
func TestStrangers(t *testing.T) {
	c := openPage(t, t.TempDir())
	for _, s := range []struct {
		name, method, path string
		cookie             bool
		headers            map[string]string
		want               int
	}{
		{"no token", "GET", "/", false, nil, 401},
		{"no token, an asset", "GET", "/assets/studio.js", false, nil, 401},
		{"no token, the API", "GET", "/api/runs", false, nil, 401},
		{"a token that was used", "GET", "/?token=used", false, nil, 401},
		{"another host", "GET", "/api/runs", true, map[string]string{"Host": "evil.example"}, 421},
		{"another origin", "GET", "/api/runs", true, map[string]string{"Origin": "http://evil.example"}, 403},
		{"another port", "POST", "/api/watch", true, map[string]string{"Origin": "http://127.0.0.1:1"}, 403},
		{"no origin", "POST", "/api/watch", true, nil, 403},
		{"no origin, a removal", "DELETE", "/api/runs/x", true, nil, 403},
		{"another site", "GET", "/api/events", true, map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}, 403},
	} {
		req, err := http.NewRequest(s.method, c.base+s.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, v := range s.headers {
			req.Header.Set(name, v)
			if name == "Host" {
				req.Host = v
			}
		}
		client := &http.Client{}
		if s.cookie {
			client.Jar = c.Jar
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != s.want || bytes.Contains(b, []byte("zoo:")) {
			t.Errorf("%s: %d %.100s, want %d", s.name, resp.StatusCode, b, s.want)
		}
	}
}

// TestHeaders checks that the page may run and load nothing but its own.
func TestHeaders(t *testing.T) {
	c := openPage(t, t.TempDir())
	for _, path := range []string{"/", "/run/zoo:cnn-vae", "/assets/studio.js", "/assets/runtime.js", "/api/runs"} {
		status, _, h := c.ask("GET", path, nil)
		policy := h.Get("Content-Security-Policy")
		if status != 200 || !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe-inline") || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d, %v", path, status, h)
		}
	}
	for _, path := range []string{"/api", "/etc/passwd", "/assets/../server.go", "/assets/index.html/x", "/api/runs/"} {
		if status, b, _ := c.ask("GET", path, nil); status != 404 {
			t.Errorf("%s: %d %.100s", path, status, b)
		}
	}
}

// TestLoopback checks that a studio is not served to other machines.
func TestLoopback(t *testing.T) {
	s, err := New(Options{Folder: t.TempDir(), Root: t.TempDir(), Data: &data.Registry{}, Backend: func() backend.Backend { return noBackend{} }})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Skip(err)
	}
	defer l.Close()
	if err := s.Serve(t.Context(), l, func(string) { t.Error("served") }); err == nil || !strings.Contains(err.Error(), "this machine alone") {
		t.Errorf("%v", err)
	}
}

// noBackend computes nothing.
type noBackend struct{ backend.Backend }

func (noBackend) Close() error { return nil }

// TestTraversal checks that no id, name or link of a request leads out of the folder of the runs.
func TestTraversal(t *testing.T) {
	folder := t.TempDir()
	outside := t.TempDir()
	const secret = "secret text"
	for _, err := range []error{
		os.WriteFile(outside+"/secret.txt", []byte(secret), 0o666),
		os.WriteFile(outside+"/secret.csv", []byte(secret), 0o666),
		os.WriteFile(outside+"/run.json", []byte(secret), 0o666),
		os.WriteFile(folder+"/secret.txt", []byte(secret), 0o666),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	trained(t, folder, "run", "mlp-vae", 1)
	trained(t, folder, "log", "mlp-vae", 1)
	if err := os.Rename(folder+"/log/metrics.jsonl", outside+"/metrics.jsonl"); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{folder + "/log/metrics.jsonl": outside + "/metrics.jsonl", folder + "/run/link.txt": outside + "/secret.txt", folder + "/run/checkpoints/dir": outside, folder + "/away": outside} {
		if err := os.Symlink(to, link); err != nil {
			t.Skip(err)
		}
	}
	c := openPage(t, folder)
	for _, path := range []string{
		"/api/runs/..", "/api/runs/%2e%2e", "/api/runs/..%2f" + filepath.Base(outside), "/api/runs/" + url.PathEscape(outside), "/api/runs/.studio", "/api/runs/%00",
		"/api/runs/run/file/..%2f..%2fsecret.txt", "/api/runs/run/file/%2e%2e/secret.txt", "/api/runs/run/file/link.txt", "/api/runs/run/file/checkpoints/dir/secret.txt",
		"/api/runs/run/file//etc/passwd", "/api/runs/run/file/", "/api/runs/away/file/secret.txt", "/api/runs/run/model?at=../../away", "/api/runs/run/weights?at=%2e%2e",
		"/api/runs/zoo:..%2fx", "/api/runs/zoo:nothing", "/api/runs/zoo:cnn-vae/file/..%2f..%2fsecret.txt", "/api/browse?path=/", "/api/browse?path=../..",
		"/api/browse?path=" + url.QueryEscape(outside), "/api/data/look?source=" + url.QueryEscape(outside+"/secret.csv"), "/api/data/look?source=-", "/api/data/preview.png?source=../x",
	} {
		status, b, _ := c.ask("GET", path, nil)
		if status < 400 || bytes.Contains(b, []byte(secret)) {
			t.Errorf("%s: %d %.200s", path, status, b)
		}
	}
	var list []RunSummary
	c.read("/api/runs", &list)
	for _, r := range list {
		if r.ID == "away" && r.State != stateDamaged {
			t.Errorf("a link that leads out is %+v", r)
		}
		if r.ID == "log" && (r.State != stateDamaged || !strings.Contains(r.Fault, "metrics.jsonl")) {
			t.Errorf("a run whose log is a link that leads out is %+v", r)
		}
	}
	for _, body := range []map[string]any{{"name": "../x"}, {"name": "a/b"}, {"name": ".hidden"}, {"name": "-x"}, {"name": ""}, {"name": "a\x00"}, {"name": "run\n"}, {"tags": []string{"\x1b[2J"}}} {
		if status, b, _ := c.ask("PUT", "/api/runs/run", body); status != 422 {
			t.Errorf("%v: %d %s", body, status, b)
		}
	}
	for _, name := range []string{"../t.csv", "a/b.csv", ".csv", "x.exe", "a\x00.csv", "-x.csv", "<script>.csv"} {
		if status, b, _ := c.ask("POST", "/api/data/upload?name="+url.QueryEscape(name), []byte("a,b\n1,2\n")); status != 422 {
			t.Errorf("an upload %q: %d %s", name, status, b)
		}
	}
	c.want(422, "POST", "/api/data/upload?name=a.png&into="+url.QueryEscape("../../run"), []byte("x"))
	c.want(404, "POST", "/api/undo/..%2f..%2frun", nil)
	c.want(404, "POST", "/api/undo/nothing", nil)
}

// TestHostileNames checks that names of runs and what their files say come as text, without what a terminal obeys, in JSON that has no
// raw < in it.
func TestHostileNames(t *testing.T) {
	folder := t.TempDir()
	names := []string{"<script>alert(1)<", "a\x1b[2Jb", "ab\u202Egnp", "x'\"&y", "100%", "ö ü"}
	for _, name := range names {
		if err := os.Mkdir(filepath.Join(folder, name), 0o777); err != nil {
			t.Skip(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name, "run.json"), []byte("{\"recipe\": \"<b>\x1b\"}"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	c := openPage(t, folder)
	b := c.want(200, "GET", "/api/runs", nil)
	if bytes.ContainsAny(b, "<>\x1b") {
		t.Errorf("%s", b)
	}
	var list []RunSummary
	c.read("/api/runs", &list)
	have := map[string]bool{}
	for _, r := range list {
		have[r.ID] = true
		if strings.ContainsAny(r.Fault, "\x1b\x00") {
			t.Errorf("%s: %q", r.ID, r.Fault)
		}
	}
	for _, name := range names {
		if !have[name] {
			t.Errorf("%q is not listed", name)
		}
		c.want(200, "GET", "/api/runs/"+url.PathEscape(name), nil)
	}
}

// TestBodies checks that long, slow and senseless bodies are refused.
func TestBodies(t *testing.T) {
	c := openPage(t, t.TempDir())
	c.want(413, "POST", "/api/watch", bytes.Repeat([]byte("x"), mostJSON+1))
	c.want(413, "POST", "/api/runs/zoo:cnn-vae/own", bytes.Repeat([]byte("x"), mostPicture+1))
	for path, body := range map[string]string{
		"/api/watch": `{"runs": 3}`, "/api/jobs/check": `{"no": 1}`, "/api/runs/zoo:cnn-vae/film": `{"codes": [[1]]`,
	} {
		c.want(400, "POST", path, []byte(body))
	}
	for _, body := range []string{
		`{"codes": [], "labels": null, "format": "gif", "fps": 10, "size": 64}`,
		`{"codes": [[1]], "labels": null, "format": "gif", "fps": 10, "size": 64}`,
		`{"codes": [[1, 1]], "labels": null, "format": "gif", "fps": 0, "size": 64}`,
		`{"codes": [[1, 1]], "labels": null, "format": "gif", "fps": 10, "size": 100000}`,
		`{"codes": [[1, 1e39]], "labels": null, "format": "gif", "fps": 10, "size": 64}`,
	} {
		c.want(400, "POST", "/api/runs/zoo:cnn-vae/film", []byte(body))
	}
	for _, q := range []string{"samples.png?n=0", "samples.png?n=1000000", "samples.png?seed=-1", "samples.png?only=20", "curves?points=1", "projection?kind=x", "items/-1.png", "items/60000.png", "items/x.png"} {
		if status, b, _ := c.ask("GET", "/api/runs/zoo:cnn-vae/"+q, nil); status != 400 && status != 404 {
			t.Errorf("%s: %d %.100s", q, status, b)
		}
	}
	c.want(422, "POST", "/api/runs/zoo:cnn-vae/own", []byte("no picture"))

	// A slow body is given up.
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	u, err := url.Parse(c.base)
	if err != nil {
		t.Fatal(err)
	}
	cookie := c.Jar.Cookies(u)[0]
	fmt.Fprintf(conn, "POST /api/data/upload?name=slow.csv HTTP/1.1\r\nHost: %s\r\nOrigin: %s\r\nCookie: %s=%s\r\nContent-Length: 100000\r\n\r\na,b", u.Host, c.base, cookie.Name, cookie.Value)
	if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 408 {
		t.Errorf("a slow body: %s", resp.Status)
	}
	entries, err := os.ReadDir(filepath.Join(c.studio.opt.Folder, ownFolder, uploadsFolder))
	if err == nil && len(entries) > 0 {
		t.Errorf("of an upload that was given up %v stays", entries)
	}
}

// hugePNG returns a small file that claims to be a picture of 60,000 by 60,000 pixels.
func hugePNG(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	file := b.Bytes()
	head := file[12:29] // the type of the first chunk and what it holds
	binary.BigEndian.PutUint32(head[4:], 60000)
	binary.BigEndian.PutUint32(head[8:], 60000)
	binary.BigEndian.PutUint32(file[29:], crc32.ChecksumIEEE(head))
	return file
}

// TestBombs checks that files which unpack to more than there is memory for are refused when somebody looks at them.
func TestBombs(t *testing.T) {
	folder := t.TempDir()
	c := openPage(t, folder)
	if status, b, _ := c.ask("POST", "/api/runs/zoo:cnn-vae/own", hugePNG(t)); status < 400 || status == 500 {
		t.Errorf("a picture that claims 3.6 billion pixels: %d %s", status, b)
	}
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	for i := range 3 {
		f, err := z.Create(fmt.Sprintf("%d.png", i))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(hugePNG(t)); err != nil {
			t.Fatal(err)
		}
	}
	f, err := z.Create("3.png")
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range 300 {
		if _, err := f.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	c.want(200, "POST", "/api/data/upload?name=bomb.zip", packed.Bytes())
	status, b, _ := c.ask("GET", lookAt(c, filepath.Join(folder, ownFolder, uploadsFolder, "bomb.zip")), nil)
	if status < 400 || status == 500 {
		t.Errorf("a zip of bombs: %d %s", status, b)
	}
	c.want(200, "GET", "/api/runs/zoo:cnn-vae/samples.png", nil)
}
