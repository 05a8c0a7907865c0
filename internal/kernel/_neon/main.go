// Command _neon writes the assembly of package kernel for arm64: one x_arm64.s for each x_arm64.go that declares stubs. The
// layout of the argument structures comes from go_asm.h, which the go command writes. The parameters are stated in calls of
// begin; go vet compares them with the stubs.
//
//	cd internal/kernel && go run ./_neon -out .
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

const (
	maxRows = 6 // kernel.MaxRows
	signBit = 1 << 31
)

var files = []struct {
	name string
	gen  func(g *gen)
}{
	{"rows", rows},
	{"outer", outer},
	{"dot", dot},
	{"pack", pack},
	{"vec", vec},
	{"math", mathFuncs},
	{"reduce", reduce},
	{"pause", pause},
	{"optim", optim},
	{"peak", peak},
}

func main() {
	out := flag.String("out", ".", "`directory` to write to")
	flag.Parse()
	for _, f := range files {
		g := newGen(f.name)
		f.gen(g)
		if err := os.WriteFile(filepath.Join(*out, f.name+"_arm64.s"), g.file(), 0o666); err != nil {
			fmt.Fprintln(os.Stderr, "_neon:", err)
			os.Exit(1)
		}
	}
}
