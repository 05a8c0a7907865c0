package imago_test

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// floors says which package may import which: those of the lines above its own. A package that is not here fails
// TestFloors; it goes to the lowest floor that what it imports allows.
const floors = `
	engine/tensor engine/rng internal/option internal/cpuid internal/datadriven internal/invariants internal/disk internal/english internal/realdata internal/buildinfo internal/screen internal/memory internal/zoo internal/interrupt internal/fuzzed internal/fault internal/stress formats/columns formats/wasm formats/zipfile internal/process internal/python internal/nodejs internal/chromium docs serve/problem serve/metrics
	engine/graph analysis/trials formats/imageio formats/audio formats/midi formats/numpy internal/sealed internal/atomicfile internal/disk/disktest internal/kernel data/medium formats/torch formats/onnx/onnxtest serve/guard
	formats/safetensors formats/tfevents formats/onnx engine/backend engine/graph/graphtest nn prob prob/mixture optim data/pixels viz analysis/probe export/browser docs/site internal/synth
	data train/ckpt
	engine/cpu engine/exec models/model data/mnist data/folder data/digits data/faces data/celeba data/table data/text data/stacked analysis/bigram
	data/npz data/sentences data/sound data/music data/pianoroll models/update models/diagnose models/likelihood models/model/modeltest models/transfer train/runlog analysis/eval/feature serve/batch
	models/vae models/gan models/sequence internal/weightfile data/tones data/tunes data/chorales
	analysis/latent internal/runtest
	analysis/eval analysis/anomaly
	train train/keep
	train/terminal train/live viz/gallery analysis/compare export export/exporttest internal/catalog serve
	imago export/page export/hub
	studio
	cli
	cmd/imago internal/zoo/make docs/gallery/make docs/examples/ownmodel docs/examples/owncli
`

// testOnly are the packages that hold test machinery: nothing but tests imports them, or they each other.
var testOnly = []string{"internal/disk/disktest", "internal/datadriven", "internal/nodejs", "internal/chromium", "internal/python", "internal/realdata", "internal/runtest", "engine/graph/graphtest", "models/model/modeltest", "formats/onnx/onnxtest", "export/exporttest"}

// maxLines is how long a file written by hand may be.
const maxLines = 800

const module = "github.com/imago-ml/imago"

type pkg struct {
	ImportPath, Name, Doc, Dir string
}

// path returns the import path within the module, "" for the root.
func (p *pkg) path() string { return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/") }

// rootName is how the tables call the root package.
const rootName = "imago"

// name is the path of the package in the tables.
func (p *pkg) name() string { return cmp.Or(p.path(), rootName) }

// packages returns those of the module, as the go command sees them.
func packages(t *testing.T) []*pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Name,Doc,Dir", "./...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	var all []*pkg
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		p := &pkg{}
		if err := d.Decode(p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) == 0 {
		t.Fatal("go list finds no package")
	}
	return all
}

// goFiles parses the files of a folder, whatever their build tags: a floor is not left by another processor's door.
func goFiles(t *testing.T, dir string) map[string]*ast.File {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]*ast.File{}
	for _, name := range names {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Error(err)
			continue
		}
		files[name] = f
	}
	return files
}

func isTest(name string) bool { return strings.HasSuffix(name, "_test.go") }

func importPath(i *ast.ImportSpec) string {
	s, _ := strconv.Unquote(i.Path.Value) // the parser has checked it
	return s
}

func floorOf(t *testing.T) map[string]int {
	t.Helper()
	floor := map[string]int{}
	for i, line := range strings.Split(strings.TrimSpace(floors), "\n") {
		for _, p := range strings.Fields(line) {
			if _, twice := floor[p]; twice {
				t.Errorf("the table of floors has %s twice", p)
			}
			floor[p] = i
		}
	}
	return floor
}

// wrongImports lists the imports of one package that its floor does not allow.
func wrongImports(floor map[string]int, from string, imports []string) []string {
	var wrong []string
	mine, ok := floor[from]
	if !ok {
		return []string{"is on no floor: add it to the table in policy_test.go"}
	}
	for _, path := range imports {
		to, ours := strings.CutPrefix(path, module+"/")
		if path == module {
			to, ours = rootName, true
		}
		switch theirs, ok := floor[to]; {
		case path == "C":
			wrong = append(wrong, "needs cgo")
		case !ours:
		case !ok:
			wrong = append(wrong, "imports "+to+", which is on no floor")
		case theirs >= mine:
			wrong = append(wrong, "on floor "+strconv.Itoa(mine)+" imports "+to+" of floor "+strconv.Itoa(theirs)+", want a lower one")
		case slices.Contains(testOnly, to) && !slices.Contains(testOnly, from):
			wrong = append(wrong, "imports "+to+", which is for tests")
		}
	}
	return wrong
}

func TestFloors(t *testing.T) {
	floor := floorOf(t)
	for _, p := range packages(t) {
		var imports []string
		for name, f := range goFiles(t, p.Dir) {
			for _, i := range f.Imports {
				if !isTest(name) {
					imports = append(imports, importPath(i))
				}
			}
		}
		slices.Sort(imports)
		for _, wrong := range wrongImports(floor, p.name(), slices.Compact(imports)) {
			t.Errorf("%s %s", p.ImportPath, wrong)
		}
	}
}

// The check itself, held against what it must find.
func TestWrongImports(t *testing.T) {
	floor := floorOf(t)
	for _, tt := range []struct {
		from, imports, want string
	}{
		{"engine/cpu", "fmt github.com/spf13/cobra MOD/engine/graph MOD/engine/backend MOD/internal/kernel", ""},
		{"engine/graph", "MOD/engine/backend", "on floor 1 imports engine/backend of floor 2, want a lower one"},
		{"nn", "MOD/optim", "on floor 2 imports optim of floor 2, want a lower one"},
		{"nn", "MOD/engine/graph/new", "imports engine/graph/new, which is on no floor"},
		{"new", "", "is on no floor: add it to the table in policy_test.go"},
		{"engine/cpu", "C", "needs cgo"},
		{"engine/cpu", "MOD/engine/graph/graphtest", "imports engine/graph/graphtest, which is for tests"},
		{"engine/graph/graphtest", "MOD/internal/datadriven", ""},
		{"imago", "MOD/train MOD/internal/catalog", ""},
		{"train", "MOD", "on floor FLOOR imports imago of floor ROOT, want a lower one"},
	} {
		imports := strings.Fields(strings.ReplaceAll(tt.imports, "MOD", module))
		want := strings.NewReplacer("FLOOR", strconv.Itoa(floor[tt.from]), "ROOT", strconv.Itoa(floor[rootName])).Replace(tt.want)
		if got := strings.Join(wrongImports(floor, tt.from, imports), "; "); got != want {
			t.Errorf("%s importing %s: %q, want %q", tt.from, tt.imports, got, tt.want)
		}
	}
}

func TestPackageDocs(t *testing.T) {
	for _, p := range packages(t) {
		want := "Package " + p.Name + " "
		if p.Name == "main" {
			want = "Command " + filepath.Base(p.ImportPath) + " "
		}
		if !strings.HasPrefix(p.Doc, want) {
			t.Errorf("%s: the package comment starts %q, want %q", p.ImportPath, p.Doc, want)
		}
		n := 0
		for name, f := range goFiles(t, p.Dir) {
			if !isTest(name) && f.Doc != nil {
				n++
			}
		}
		if n > 1 {
			t.Errorf("%s: %d files have a package comment, want one", p.ImportPath, n)
		}
	}
}

// initAllowed are the packages that fill a table of their own at start, for a reason their code gives.
var initAllowed = []string{"engine/graph"}

// blankAllowed are the imports that bring no registration along.
var blankAllowed = []string{"embed", "unsafe"}

// TestNoHiddenStart: what is in the binary is readable in package cli, so no package registers anything by being imported.
func TestNoHiddenStart(t *testing.T) {
	for _, p := range packages(t) {
		for name, f := range goFiles(t, p.Dir) {
			if isTest(name) {
				continue
			}
			for _, i := range f.Imports {
				if i.Name != nil && i.Name.Name == "_" && !slices.Contains(blankAllowed, importPath(i)) {
					t.Errorf("%s: blank import of %s; call what it registers", name, importPath(i))
				}
			}
			for _, d := range f.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" && !slices.Contains(initAllowed, p.path()) {
					t.Errorf("%s: func init; let package cli call it, or initialise a variable", name)
				}
			}
		}
	}
}

// sources returns the files of code and prose of the tree, generated ones included.
func sources(t *testing.T, ext ...string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "runs" || d.Name() == "node_modules" || path == "studio/dist"):
			return filepath.SkipDir
		case !d.IsDir() && slices.Contains(ext, filepath.Ext(path)):
			names = append(names, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// generated is the line that tools know, exactly; claims is what people write who mean it.
var (
	generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)
	claims    = regexp.MustCompile(`(?mi)^//.*\b(generated by|do not edit)\b`)
)

// head returns a file up to its package clause or, in assembly, its first instruction: where the line has to be.
func head(b []byte) []byte {
	var h []byte
	for line := range bytes.Lines(b) {
		if s := bytes.TrimSpace(line); len(s) > 0 && !bytes.HasPrefix(s, []byte("//")) {
			break
		}
		h = append(h, line...)
	}
	return h
}

func TestSourceFiles(t *testing.T) {
	lines := map[string]int{}
	for _, name := range sources(t, ".go", ".s") {
		b, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) { // somebody's editor
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		n := bytes.Count(b, []byte("\n"))
		made := generated.Match(head(b))
		if !made {
			lines[filepath.Dir(name)] += n
		}
		if n > maxLines && !made {
			t.Errorf("%s: %d lines written by hand, want at most %d: it holds more than one idea", name, n, maxLines)
		}
		if claims.Match(head(b)) && !made {
			t.Errorf("%s: generated? Then its first line is // Code generated … DO NOT EDIT.", name)
		}
		if filepath.Ext(name) != ".go" {
			continue
		}
		switch want, err := format.Source(b); {
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case !bytes.Equal(want, b):
			t.Errorf("%s: not as gofmt writes it", name)
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(lines)) {
		t.Logf("%6d lines by hand in %s", lines[dir], dir)
	}
}

// TestNothingLeftToDo: what is not done is an issue, not a comment.
func TestNothingLeftToDo(t *testing.T) {
	mark := regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME)\b`)
	for _, name := range sources(t, ".go", ".s", ".md", ".html", ".css", ".js") {
		f, err := os.Open(name)
		if err != nil {
			t.Error(err)
			continue
		}
		s := bufio.NewScanner(f)
		s.Buffer(nil, 16<<20)
		for n := 1; s.Scan(); n++ {
			if m := mark.Find(s.Bytes()); m != nil {
				t.Errorf("%s:%d: %s", name, n, m)
			}
		}
		if err := errors.Join(s.Err(), f.Close()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

const (
	maxFolders      = 17  // at the root: a newcomer reads the architecture off them
	maxArchitecture = 165 // lines of ARCHITECTURE.md, less the rows of its floors: one a package
)

var (
	floorRow  = regexp.MustCompile("(?m)^\\| (\\d+) \\| `([^`]+)` \\| (.+) \\|$")
	folderRow = regexp.MustCompile(`(?m)^([a-z]+)/ +\S.*$`)
)

// TestArchitecture: the map is the house. Its table of floors is the one that TestFloors holds to the code, and its
// folders are those that there are.
func TestArchitecture(t *testing.T) {
	b, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	floor, rows := floorOf(t), map[string]int{}
	have := floorRow.FindAllStringSubmatch(string(b), -1)
	if n := bytes.Count(b, []byte("\n")) - len(have); n > maxArchitecture {
		t.Errorf("ARCHITECTURE.md has %d lines beside those of packages, want at most %d", n, maxArchitecture)
	}
	for _, m := range have {
		rows[m[2]], _ = strconv.Atoi(m[1])
	}
	for p, n := range floor {
		if row, ok := rows[p]; !ok || row != n {
			t.Errorf("ARCHITECTURE.md: want a row | %d | `%s` | with what it is; its floor there is %d (%v)", n, p, row, ok)
		}
	}
	for p := range rows {
		if _, ok := floor[p]; !ok {
			t.Errorf("ARCHITECTURE.md has a row for `%s`, which is on no floor", p)
		}
	}
	exists := map[string]bool{}
	for _, p := range packages(t) {
		exists[p.name()] = true
	}
	for p := range floor {
		if !exists[p] {
			t.Errorf("the table of floors has %s, and there is no such package", p)
		}
	}

	var drawn, there []string
	for _, m := range folderRow.FindAllStringSubmatch(string(b), -1) {
		drawn = append(drawn, m[1])
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && e.Name() != "runs" {
			there = append(there, e.Name())
		}
	}
	slices.Sort(drawn)
	if !slices.Equal(drawn, there) {
		t.Errorf("ARCHITECTURE.md draws the folders %v, there are %v", drawn, there)
	}
	if len(there) > maxFolders {
		t.Errorf("%d folders at the root, want at most %d: %v", len(there), maxFolders, there)
	}
}

// With CGO_ENABLED=0 the binary is static. Without it, no more than Go's own packages bring C: what ARCHITECTURE.md says.
func TestNoC(t *testing.T) {
	own := []string{"net", "os/user", "runtime/cgo"}
	for _, cgo := range []string{"0", "1"} {
		cmd := exec.Command("go", "list", "-deps", "-f", "{{if or .CgoFiles .CFiles}}{{.ImportPath}}{{end}}", "./cmd/imago")
		cmd.Env = append(os.Environ(), "CGO_ENABLED="+cgo)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range strings.Fields(string(out)) {
			if cgo == "0" || !slices.Contains(own, p) {
				t.Errorf("CGO_ENABLED=%s: %s has C", cgo, p)
			}
		}
	}
}
