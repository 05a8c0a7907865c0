package serve

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/imago-ml/imago/internal/nodejs"
	"github.com/imago-ml/imago/serve/guard"
)

// clientEnv names the folder in which npm has installed openapi-typescript, openapi-fetch and typescript, as .ci/run does.
const clientEnv = "IMAGO_OPENAPI_CLIENT"

// TestClient checks that a client that public programs make of the document works: openapi-typescript makes the types,
// the compiler holds testdata/client.mts to them, and Node.js runs it against a server with a token.
func TestClient(t *testing.T) {
	dir := os.Getenv(clientEnv)
	if dir == "" {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not set", clientEnv)
		}
		t.Skipf("needs %s, a folder with openapi-typescript, openapi-fetch and typescript", clientEnv)
	}
	modules, err := filepath.Abs(filepath.Join(dir, "node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	if err := os.Symlink(modules, filepath.Join(work, "node_modules")); err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("testdata/client.mts")
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"client.mts": source, "openapi.json": document} {
		if err := os.WriteFile(filepath.Join(work, name), b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) []byte {
		t.Helper()
		cmd := nodejs.Command(t, args...)
		cmd.Dir = work
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("node %v: %v\n%s", args, err, out)
		}
		return out
	}
	run("node_modules/openapi-typescript/bin/cli.js", "openapi.json", "-o", "schema.d.ts")
	run("node_modules/typescript/bin/tsc", "--strict", "--target", "es2022", "--module", "nodenext", "--skipLibCheck", "client.mts")

	const token = "a-token-for-the-client"
	l := start(t, Options{Guard: guard.Options{Token: token}}, "zoo:cnn-vae", "zoo:cvae")
	var got struct {
		Names   []string
		Pixels  int
		Codes   [][]float32
		Picture int
		Status  int
		Field   string
	}
	if err := json.Unmarshal(run("client.mjs", l.url, token), &got); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Names, []string{"cnn-vae", "cvae"}) || got.Pixels != 784 || len(got.Codes) != 1 || len(got.Codes[0]) != 2 || got.Picture < 100 || got.Status != 400 || got.Field != "label" {
		t.Errorf("%+v", got)
	}
}
