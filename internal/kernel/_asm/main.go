// Command _asm writes the assembly of package kernel for amd64: one x_amd64.s for each x_amd64.go that declares stubs. It reads
// the signatures and the layout of the argument structures from the Go files of the package.
//
//	cd internal/kernel/_asm && go run . -out ..
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
	"github.com/mmcloughlin/avo/reg"
)

var files = []struct {
	name string
	gen  func(g *gen)
}{
	{"rows_amd64.s", rows},
	{"outer_amd64.s", outer},
	{"dot_amd64.s", dot},
	{"pack_amd64.s", pack},
	{"vec_amd64.s", vec},
	{"math_amd64.s", mathFuncs},
	{"reduce_amd64.s", reduce},
	{"wino_amd64.s", wino},
	{"pause_amd64.s", pause},
	{"optim_amd64.s", optim},
	{"peak_amd64.s", peak},
	{"random_amd64.s", random},
	{"pixels_amd64.s", pixels},
}

func main() {
	fs := flag.NewFlagSet("_asm", flag.ExitOnError) // avo uses the global one
	out := fs.String("out", "..", "`directory` to write to")
	src := fs.String("src", "..", "`directory` of package kernel")
	fs.Parse(os.Args[1:])
	pkg, err := load(*src)
	for _, f := range files {
		if err == nil {
			err = write(filepath.Join(*out, f.name), pkg, f.gen)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "_asm:", err)
		os.Exit(1)
	}
}

// load returns package kernel, type-checked without its imports, which no signature of a stub mentions.
func load(dir string) (*types.Package, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	var asts []*ast.File
	for _, n := range names {
		if strings.HasSuffix(n, "_test.go") || strings.HasSuffix(n, "_noasm.go") || strings.HasSuffix(n, "_arm64.go") {
			continue
		}
		f, err := parser.ParseFile(fset, n, nil, 0)
		if err != nil {
			return nil, err
		}
		asts = append(asts, f)
	}
	conf := types.Config{Error: func(error) {}, Importer: noImports{}}
	pkg, _ := conf.Check("kernel", fset, asts, nil)
	return pkg, nil
}

type noImports struct{}

func (noImports) Import(string) (*types.Package, error) { return nil, errors.New("not needed") }

// write writes the assembly file of the given name with the functions of f.
func write(name string, pkg *types.Package, f func(*gen)) error {
	g := &gen{Context: build.NewContext(), pkg: pkg, consts: map[string]operand.Mem{}, lanes: 8}
	g.ConstraintExpr("!purego")
	f(g)
	file, err := g.Result()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	interleave(file)
	if err := pass.Compile.Execute(file); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	b, err := printer.NewGoAsm(printer.Config{Name: "internal/kernel/_asm", Pkg: "kernel"}).Print(file)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return os.WriteFile(name, bytes.TrimLeft(b, "\n"), 0o666)
}

// A gen is an avo context with the types of package kernel.
type gen struct {
	*build.Context
	pkg    *types.Package
	consts map[string]operand.Mem
	lanes  int // of the vectors that vector returns: 8, or 16 with AVX-512
}

// eachWidth calls write for vectors of 8 and of 16 lanes, with the suffix of the functions.
func (g *gen) eachWidth(write func(suffix string)) {
	for _, w := range []struct {
		lanes  int
		suffix string
	}{{8, "AVX2"}, {16, "AVX512"}} {
		g.lanes = w.lanes
		write(w.suffix)
	}
}

// vector returns a new vector register of the width that is being written.
func (g *gen) vector() reg.VecVirtual { return g.vec(g.lanes) }

// begin starts the function of the given name, which must have a stub.
func (g *gen) begin(name string) {
	sig, err := gotypes.LookupSignature(g.pkg, name)
	if err != nil {
		panic(err)
	}
	g.Function(name)
	g.Attributes(attr.NOSPLIT)
	g.Signature(sig)
}

// end ends the function. It clears the upper halves of the YMM registers for SSE code.
func (g *gen) end() {
	g.VZEROUPPER()
	g.RET()
}

// load loads a component into a new 64-bit register.
func (g *gen) load(c gotypes.Component) reg.Register { return g.Load(c, g.GP64()) }

// addr returns the address of a primitive component.
func (g *gen) addr(c gotypes.Component) operand.Mem {
	b, err := c.Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

// vec returns a new vector register of 8 or 16 lanes.
func (g *gen) vec(lanes int) reg.VecVirtual {
	if lanes == 16 {
		return g.ZMM()
	}
	return g.YMM()
}

// clear sets a vector register to 0.
func (g *gen) clear(v reg.VecVirtual) {
	if v.Size() == 64 {
		g.VPXORD(v, v, v)
	} else {
		g.VXORPS(v, v, v)
	}
}

// zeros returns n vector registers of 8 lanes set to 0.
func (g *gen) zeros(n int) []reg.VecVirtual {
	v := make([]reg.VecVirtual, n)
	for i := range v {
		v[i] = g.YMM()
		g.clear(v[i])
	}
	return v
}

// zero returns a vector register set to 0.
func (g *gen) zero() reg.VecVirtual {
	v := g.vector()
	g.clear(v)
	return v
}

// f32 returns a constant vector of equal float32, for vectors of 8 and of 16.
func (g *gen) f32(v float64) operand.Mem { return g.u32(math.Float32bits(float32(v))) }

// u32 returns a constant vector of equal words.
func (g *gen) u32(bits uint32) operand.Mem {
	return g.table(fmt.Sprintf("c%08x", bits), slices.Repeat([]uint32{bits}, 16)...)
}

// table returns a read-only table of words. A file contains it once.
func (g *gen) table(name string, words ...uint32) operand.Mem {
	if m, ok := g.consts[name]; ok {
		return m
	}
	m := g.StaticGlobal(name)
	g.DataAttributes(attr.RODATA | attr.NOPTR)
	for i, w := range words {
		g.AddDatum(i*4, operand.U32(w))
	}
	g.consts[name] = m
	return m
}

// maskTable returns a table of n words of ones, followed by n words of zeros. The n words from word n−r on select the first r
// lanes.
func (g *gen) maskTable(n int) operand.Mem {
	words := make([]uint32, 2*n)
	for i := range n {
		words[i] = math.MaxUint32
	}
	return g.table(fmt.Sprintf("mask%d", n), words...)
}
