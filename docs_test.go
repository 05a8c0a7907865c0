package imago_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/format"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/audio"
	"github.com/imago-ml/imago/formats/numpy"
	"github.com/imago-ml/imago/internal/realdata"
)

// The tests of this file hold the documentation to the code. A fenced block has a language:
//
//   - sh: each line is run, in order, in one empty folder for each page. `imago` and `go run ./cmd/imago` are the program
//     as it is now. Other lines of go, and those that start git, cd, apt-get or a
//     script of the repository, are not run; patterns of packages and paths of scripts must exist. Any other program is an error.
//   - go: the block is a file. It is compiled in a module of its own, in a workspace with this one, and run if it is a program:
//     without arguments, or once for each of the command lines in the comment <!-- ci: train mine; sample latest -->.
//   - js: a program for Node.js, which a test of the package that the page is about runs; python: not tested, its modules are
//     in no package of the system.
//   - text: output or a picture in characters; not tested.
//
// A comment in the line above a block changes how it is run:
//
//   - <!-- ci: train --data small.npz --epochs 1; edit --encoded 100 --> appends arguments to the lines of these commands,
//     to make them short. The last value of a flag counts. Nothing else of a line is changed.
//   - <!-- ci: parse --> runs `imago train` with --dry-run, and all other lines with --help: the flags are checked and no
//     work is done. It is for what takes minutes whatever its flags.
//
// A command in the text, as `imago eval latest --only nll`, is parsed in the same way.
//
// The folder has what the pages name, a.png, me.jpg, photos/ and sensors.csv, and what the comments name: small.npz, 600
// images of 28x28 in ten classes, and small-faces/, 60 pictures with the attributes Smiling, Male and Eyeglasses. Lines
// that name a set of real data need IMAGO_DATA (see internal/realdata).

// A block is a fenced part of a page.
type block struct {
	line int    // of its first line within the page, from 1
	lang string // sh, go, js, python or text
	ci   string // the text of the comment above it, without "ci:"
	text string
}

var (
	fence     = regexp.MustCompile("^```(.*)$")
	ciComment = regexp.MustCompile(`^<!-- ci: (.*) -->$`)
)

// galleryPages are the pages of the recipes, which a program writes.
const galleryPages = "docs/gallery/*.md"

// pages returns the Markdown files of the repository, the one that a reader opens first at the front.
func pages(t *testing.T) []string {
	t.Helper()
	all := []string{"README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "SECURITY.md", "CHANGELOG.md"}
	for _, pattern := range []string{"docs/*.md", galleryPages} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, names...)
	}
	return all
}

func readPage(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// blocks returns the fenced blocks of a page, and the page without them.
func blocks(t *testing.T, name string) (found []block, rest string) {
	t.Helper()
	var prose, text strings.Builder
	var open *block
	above := ""
	for i, line := range strings.Split(readPage(t, name), "\n") {
		m := fence.FindStringSubmatch(line)
		switch {
		case m == nil && open != nil:
			text.WriteString(line + "\n")
		case m != nil && open == nil:
			open = &block{line: i + 2, lang: m[1]}
			if c := ciComment.FindStringSubmatch(above); c != nil {
				open.ci = c[1]
			}
		case m != nil:
			open.text = text.String()
			found = append(found, *open)
			open = nil
			text.Reset()
		default:
			prose.WriteString(line + "\n")
		}
		above = line
	}
	if open != nil {
		t.Errorf("%s:%d: the block is not closed", name, open.line)
	}
	return found, prose.String()
}

// TestDocsBlocks reports blocks without a language, and comments that are above no block.
func TestDocsBlocks(t *testing.T) {
	for _, name := range pages(t) {
		found, _ := blocks(t, name)
		n := 0
		for _, b := range found {
			if !slices.Contains([]string{"sh", "go", "js", "python", "text"}, b.lang) {
				t.Errorf("%s:%d: a block of %q, want sh, go, js, python or text", name, b.line, b.lang)
			}
			if b.ci != "" {
				n++
			}
		}
		if want := strings.Count(readPage(t, name), "\n<!-- ci: "); n != want {
			t.Errorf("%s: %d comments <!-- ci: ... -->, of which %d are in the line above a block", name, want, n)
		}
	}
}

// A shell runs the commands of one page.
type shell struct {
	dir   string
	env   []string
	count *counts
}

// counts are the numbers of lines of all pages: that were run, whose flags were checked, and that do not start imago.
type counts struct{ run, parsed, others int }

// commands returns the lines of a block without comments, with lines that end in a backslash joined to the next.
func (b block) commands() []string {
	var all []string
	for _, line := range strings.Split(strings.ReplaceAll(b.text, "\\\n", " "), "\n") {
		if i := strings.Index(line, " #"); i >= 0 {
			line = line[:i]
		}
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			all = append(all, line)
		}
	}
	return all
}

// appended returns the arguments that a comment "train --steps 20; edit --encoded 100" appends to the command of a line.
func appended(ci, command string) string {
	for _, rule := range strings.Split(ci, ";") {
		if name, args, _ := strings.Cut(strings.TrimSpace(rule), " "); name == command {
			return " " + args
		}
	}
	return ""
}

var (
	assignment = regexp.MustCompile(`^[A-Z_]+=\S+ `)
	realSet    = regexp.MustCompile(`(^| )(stacked-)?(mnist|fashion-mnist|kmnist|celeba)( |$)`)
	dataFlag   = regexp.MustCompile(` --data \S+`)
	realImages = regexp.MustCompile(` --data (fashion-mnist|kmnist|mnist)\b`)
	pattern    = regexp.MustCompile(` (\./\S*)`)
)

// run runs a line, or only parses it.
func (s *shell) run(t *testing.T, line, ci string) {
	t.Helper()
	line = assignment.ReplaceAllString(line, "")
	args, ok := strings.CutPrefix(line, "imago ")
	if !ok {
		args, ok = strings.CutPrefix(line, "go run ./cmd/imago ")
	}
	if !ok {
		s.count.others++
		checkOther(t, line)
		return
	}
	name, _, _ := strings.Cut(args, " ")
	if ci == "parse" {
		s.count.parsed++
		args = parsed(args)
	} else {
		s.count.run++
		args += appended(ci, name)
	}
	if sets := dataFlag.FindAllString(args, -1); len(sets) > 0 && realSet.MatchString(sets[len(sets)-1]) || realSet.MatchString(dataFlag.ReplaceAllString(args, "")) {
		realdata.Dir(t)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	start := time.Now()
	cmd := exec.CommandContext(ctx, "sh", "-c", "exec imago "+args)
	cmd.Dir, cmd.Env = s.dir, s.env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("imago %s: %v\n%s", args, err, out)
	}
	t.Logf("%5.1f s  imago %s", time.Since(start).Seconds(), args)
}

// parsed returns the arguments that check the flags of a command line and do no work.
func parsed(args string) string {
	args = strings.NewReplacer("<recipe>", "cnn-vae", "RECIPE", "cnn-vae").Replace(args)
	args = strings.Replace(args, "--data faces", "--data small-faces", 1) // 20,000 faces take seconds to draw
	// Which may not be passed on.
	args = strings.NewReplacer("--data nottingham/melody.zip", "--data tunes", "--data drums.zip", "--data tones", "--data jsb-chorales-quarter.json.gz", "--data chorales",
		"--data groove/groove-midionly.zip", "--data tunes", "--data ptb/", "--data sentences", "--data ptb ", "--data sentences ",
		"--data 0SelectedSMILES_QM9.txt.gz --text smiles", "--data sentences").Replace(args)
	args = realImages.ReplaceAllString(args, " --data small.npz") // 60,000 images take a second to read
	words := strings.Fields(args)
	if len(words) > 1 && words[0] == "train" && words[1][0] != '-' && !strings.Contains(args, "--resume") {
		return args + " --dry-run"
	}
	return args + " --help"
}

// checkOther checks a line that does not start imago, and runs nothing.
func checkOther(t *testing.T, line string) {
	t.Helper()
	words := strings.Fields(line)
	switch first := words[0]; {
	case first == "go" && len(words) > 1 && slices.Contains([]string{"test", "vet", "build", "install", "run", "mod", "get"}, words[1]):
		for _, m := range pattern.FindAllStringSubmatch(line, -1) {
			if out, err := exec.Command("go", "list", m[1]).CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", line, err, out)
			}
		}
	case slices.Contains([]string{"git", "cd", "apt-get", "gofmt"}, first):
	case strings.Contains(first, "/"):
		if info, err := os.Stat(first); err != nil || info.Mode()&0o111 == 0 {
			t.Errorf("%s: %s is no program of the repository", line, first)
		}
	default:
		t.Errorf("%s: %s is no program that this test handles", line, first)
	}
}

// newShell returns a shell in a new folder with the files that the pages name. The program is in bin, its cache in home.
func newShell(t *testing.T, bin, home string, n *counts) *shell {
	t.Helper()
	s := &shell{dir: t.TempDir(), count: n}
	s.env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "HOME="+home, "CI=true",
		"XDG_CACHE_HOME="+filepath.Join(home, "cache"), "IMAGO_MIRROR=http://127.0.0.1:1") // nothing is fetched
	write := func(name string, b []byte) {
		path := filepath.Join(s.dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, b, 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	r := rand.New(rand.NewPCG(1, 1))
	write("a.png", picture(t, r, 28))
	write("me.jpg", picture(t, r, 96)) // a PNG; imago reads a picture by its content
	for i := range 40 {
		write(fmt.Sprintf("photos/%02d.png", i), picture(t, r, 80))
	}
	for i := range 40 {
		tone := make([]float32, 4000)
		for k := range tone {
			tone[k] = float32(math.Sin(float64(k) * (.1 + .4*r.Float64())))
		}
		b, err := audio.EncodeWAV(tone, 8000)
		if err != nil {
			t.Fatal(err)
		}
		write(fmt.Sprintf("recordings/%d/%02d.wav", i%2, i), b)
	}
	var rows strings.Builder
	rows.WriteString("pressure,flow,heat,class\n")
	for i := range 300 {
		fmt.Fprintf(&rows, "%.3f,%.3f,%.3f,%d\n", r.NormFloat64(), r.Float64(), r.ExpFloat64(), i%3)
	}
	write("sensors.csv", []byte(rows.String()))
	write("small.npz", smallSet(t))
	attributes, parts := "60\nSmiling Male Eyeglasses\n", ""
	for i := range 60 {
		name := fmt.Sprintf("%06d.jpg", i+1)
		attributes += fmt.Sprintf("%s %d %d %d\n", name, 2*(i%2)-1, 2*(i/2%2)-1, 2*(i/4%2)-1)
		parts += fmt.Sprintf("%s %d\n", name, 2*(i/40)) // 0 is training, 2 test
		write("small-faces/img_align_celeba/"+name, picture(t, r, 160))
	}
	write("small-faces/list_attr_celeba.txt", []byte(attributes))
	write("small-faces/list_eval_partition.txt", []byte(parts))
	return s
}

// picture returns a PNG file of a disc on a background.
func picture(t *testing.T, r *rand.Rand, side int) []byte {
	t.Helper()
	colour := func() color.RGBA { return color.RGBA{uint8(r.Uint32()), uint8(r.Uint32()), uint8(r.Uint32()), 255} }
	disc, ground := colour(), colour()
	x0, y0, radius := r.IntN(side), r.IntN(side), side/4+r.IntN(side/4)
	img := image.NewRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			img.Set(x, y, ground)
			if (x-x0)*(x-x0)+(y-y0)*(y-y0) < radius*radius {
				img.Set(x, y, disc)
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// smallSet returns an NPZ file of grey images of 28x28: a bar, whose angle is the class.
func smallSet(t *testing.T) []byte {
	t.Helper()
	const side, classes = 28, 10
	r := rand.New(rand.NewPCG(2, 2))
	var names []string
	var arrays []*tensor.Tensor
	for _, part := range []struct {
		name string
		n    int
	}{{"train", 500}, {"test", 100}} {
		pix, labels := make([]uint8, 0, part.n*side*side), make([]uint8, 0, part.n)
		for i := range part.n {
			angle := (float64(i%classes) + 0.3*r.NormFloat64()) * math.Pi / classes
			sin, cos := math.Sincos(angle)
			x0, y0 := 13.5+2*r.NormFloat64(), 13.5+2*r.NormFloat64()
			for p := range side * side {
				x, y := float64(p%side)-x0, float64(p/side)-y0
				along, across := math.Abs(x*cos+y*sin), math.Abs(y*cos-x*sin)
				pix = append(pix, uint8(255*min(max(9-along, 0), max(2.5-across, 0), 1)))
			}
			labels = append(labels, uint8(i%classes))
		}
		x, err := tensor.FromSlice(pix, part.n, side, side)
		if err != nil {
			t.Fatal(err)
		}
		y, err := tensor.FromSlice(labels, part.n)
		if err != nil {
			t.Fatal(err)
		}
		names, arrays = append(names, "x_"+part.name, "y_"+part.name), append(arrays, x, y)
	}
	var b bytes.Buffer
	if err := numpy.WriteNPZ(&b, names, arrays); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestDocsCommands runs the commands of all pages.
func TestDocsCommands(t *testing.T) {
	if testing.Short() {
		t.Skip("trains models")
	}
	bin, home := t.TempDir(), t.TempDir()
	if out, err := exec.Command("go", "build", "-o", bin, "./cmd/imago").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var n counts
	gallery := newShell(t, bin, home, &n) // for all its pages, which only read
	for _, name := range pages(t) {
		t.Run(name, func(t *testing.T) {
			s := gallery
			if is, err := filepath.Match(galleryPages, name); err != nil || !is {
				s = newShell(t, bin, home, &n)
			}
			found, prose := blocks(t, name)
			for _, b := range found {
				if b.lang != "sh" {
					continue
				}
				t.Run(fmt.Sprintf("line %d", b.line), func(t *testing.T) {
					for _, line := range b.commands() {
						s.run(t, line, b.ci)
					}
				})
			}
			for _, command := range inline(prose) {
				t.Run(command, func(t *testing.T) { s.run(t, command, "parse") })
			}
		})
	}
	t.Logf("of the commands of all pages %d were run, of %d the flags were checked, %d do not start imago", n.run, n.parsed, n.others)
}

var code = regexp.MustCompile("`(imago [a-z][^`]*|go run [^`]*|go test [^`]*)`")

// inline returns the commands in a text, each once.
func inline(prose string) []string {
	var all []string
	for _, m := range code.FindAllStringSubmatch(strings.ReplaceAll(prose, "\n", " "), -1) {
		if !slices.Contains(all, m[1]) {
			all = append(all, m[1])
		}
	}
	return all
}

// A program is one Go file in a module of its own, in a workspace with this one.
type program struct{ dir string }

var goLine = regexp.MustCompile(`(?m)^go .*$`) // of a go.mod

// outside writes a program outside the module and builds it.
func outside(t *testing.T, text []byte) program {
	t.Helper()
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	requirements, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	mod := strings.Replace(string(requirements), "module "+module, "module example.org/outside", 1)
	// With a workspace the packages need no second compilation. With a line replace they do, if GOFLAGS has -trimpath:
	// then their files have other names.
	work := goLine.FindString(mod) + "\n\nuse (\n\t.\n\t" + strconv.Quote(root) + "\n)\n"
	p := program{t.TempDir()}
	for file, text := range map[string][]byte{"go.mod": []byte(mod), "go.sum": sums, "go.work": []byte(work), "main.go": text} {
		if err := os.WriteFile(filepath.Join(p.dir, file), text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	p.run(t, "go", "build", "-o", "program", ".")
	return p
}

// run runs a command in the folder of the program and returns what it prints.
func (p program) run(t *testing.T, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	start := time.Now()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = p.dir, append(os.Environ(), "GOPROXY=off", "GOWORK=", "CI=true")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	t.Logf("%5.1f s  %s %v\n%s", time.Since(start).Seconds(), name, args, out)
	return string(out)
}

// TestDocsPrograms compiles the Go blocks of all pages outside the module, and runs those that are programs.
func TestDocsPrograms(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles and trains")
	}
	compiled, runs := 0, 0
	for _, name := range pages(t) {
		found, _ := blocks(t, name)
		for _, b := range found {
			if b.lang != "go" {
				continue
			}
			t.Run(fmt.Sprintf("%s line %d", name, b.line), func(t *testing.T) {
				if f, err := format.Source([]byte(b.text)); err != nil || string(f) != b.text {
					t.Errorf("not as gofmt writes it (%v)", err)
				}
				p := outside(t, []byte(b.text))
				compiled++
				if strings.HasPrefix(b.text, "package main\n") {
					for _, args := range strings.Split(b.ci, ";") {
						p.run(t, "./program", strings.Fields(args)...)
						runs++
					}
				}
			})
		}
	}
	t.Logf("%d programs of all pages were compiled, and run %d times", compiled, runs)
}

// TestExamples builds the programs of docs/examples outside the module, runs them, and holds them to their length.
func TestExamples(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles and trains")
	}
	for name, lines := range map[string]int{"ownmodel": 40, "owncli": 15} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("docs", "examples", name, "main.go"))
			if err != nil {
				t.Fatal(err)
			}
			if n := bytes.Count(text, []byte("\n")); n > lines {
				t.Errorf("%d lines, want at most %d", n, lines)
			}
			p, files := outside(t, text), []string{"samples.png", "runs/stripes-vae-stripes-001/report.html"}
			if name == "ownmodel" {
				p.run(t, "./program")
			} else {
				p.run(t, "./program", "train", "deep-vae", "--epochs", "1", "--name", "own", "--without", "0,1,2,3,4,5,6,7")
				p.run(t, "./program", "manifold", "own", "--n", "3")
				if out := p.run(t, "./program", "summary", "own"); !strings.Contains(out, "encoder") {
					t.Errorf("the summary of the own kind is %s", out)
				}
				files = []string{"runs/own/report.html", "manifold.png"}
			}
			for _, f := range files {
				if _, err := os.Stat(filepath.Join(p.dir, f)); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)|<img src="([^"]+)"`)
	heading = regexp.MustCompile(`(?m)^#+ +(.*)$`)
)

// slug returns the anchor that GitHub gives a heading.
func slug(text string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_':
			b.WriteRune(r)
		case r == ' ':
			b.WriteByte('-')
		}
	}
	return b.String()
}

// maxPicture is the size of a picture of the documentation, in bytes: everybody who clones the repository gets it.
const maxPicture = 300_000

// TestDocsLinks reports relative links that lead to no file or to no heading, and pictures that are large.
func TestDocsLinks(t *testing.T) {
	for _, name := range pages(t) {
		_, prose := blocks(t, name)
		for _, m := range link.FindAllStringSubmatch(prose, -1) {
			target := m[1] + m[2]
			if strings.Contains(target, "://") {
				continue
			}
			path, anchor, _ := strings.Cut(target, "#")
			if path == "" {
				path = name
			} else {
				path = filepath.Join(filepath.Dir(name), filepath.FromSlash(path))
			}
			info, err := os.Stat(path)
			if err != nil {
				t.Errorf("%s: link to %s: %v", name, target, err)
				continue
			}
			if filepath.Ext(path) == ".png" && info.Size() > maxPicture {
				t.Errorf("%s: %d bytes, want at most %d", path, info.Size(), maxPicture)
			}
			if anchor == "" {
				continue
			}
			_, there := blocks(t, path)
			var anchors []string
			for _, h := range heading.FindAllStringSubmatch(there, -1) {
				anchors = append(anchors, slug(h[1]))
			}
			if !slices.Contains(anchors, anchor) {
				t.Errorf("%s: link to %s: the page has no such heading, but %v", name, target, anchors)
			}
		}
	}
}

// identifiers returns what the packages of the module declare, as package.Name and package.Type.Member, by the name of
// the package; names that are not exported too.
func identifiers(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for _, p := range packages(t) {
		for name, f := range goFiles(t, p.Dir) {
			if isTest(name) {
				continue
			}
			for _, d := range f.Decls {
				switch d := d.(type) {
				case *ast.FuncDecl:
					name := d.Name.Name
					if d.Recv != nil {
						name = receiver(d.Recv.List[0].Type) + "." + name
					}
					all[p.Name+"."+name] = true
				case *ast.GenDecl:
					for _, s := range d.Specs {
						for _, name := range declared(s) {
							all[p.Name+"."+name] = true
						}
					}
				}
			}
		}
	}
	return all
}

// receiver returns the name of the type of a method.
func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// declared returns the names of a declaration: constants, variables, or a type with its fields or methods.
func declared(s ast.Spec) []string {
	var names []string
	switch s := s.(type) {
	case *ast.ValueSpec:
		for _, n := range s.Names {
			names = append(names, n.Name)
		}
	case *ast.TypeSpec:
		names = append(names, s.Name.Name)
		var members *ast.FieldList
		switch typ := s.Type.(type) {
		case *ast.StructType:
			members = typ.Fields
		case *ast.InterfaceType:
			members = typ.Methods
		}
		if members != nil {
			for _, f := range members.List {
				for _, n := range f.Names {
					names = append(names, s.Name.Name+"."+n.Name)
				}
			}
		}
	}
	return names
}

// TestGlossary reports identifiers of the glossary that do not exist, terms that are there twice, and rows that lack a
// column.
func TestGlossary(t *testing.T) {
	known := identifiers(t)
	identifier := regexp.MustCompile("`([a-z]+\\.[A-Za-z0-9]+(\\.[A-Za-z0-9]+)?)`")
	terms := map[string]bool{}
	page, retired, ok := strings.Cut(readPage(t, "docs/glossary.md"), "\n## Retired words\n")
	if !ok || !strings.Contains(retired, "| retired | instead |") {
		t.Error("the glossary has no table of retired words")
	}
	for _, line := range strings.Split(page, "\n") {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| ---") || strings.HasPrefix(line, "| term |") {
			continue
		}
		cells := strings.Split(strings.ReplaceAll(line, `\|`, "∣"), "|")
		if len(cells) != 7 {
			t.Errorf("%d columns, want 5: %s", len(cells)-2, line)
			continue
		}
		term := strings.TrimSpace(cells[1])
		if terms[term] {
			t.Errorf("%s: there twice", term)
		}
		terms[term] = true
		if !identifier.MatchString(cells[4]) {
			t.Errorf("%s: no place in the code", term)
		}
		for _, m := range identifier.FindAllStringSubmatch(line, -1) {
			if !known[m[1]] {
				t.Errorf("%s: the code has no %s", term, m[1])
			}
		}
	}
	if len(terms) < 60 {
		t.Errorf("%d terms", len(terms))
	}
}
