package graph_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/engine/graph/graphtest"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/internal/fuzzed"
)

// token matches what a line of a function is made of.
var token = regexp.MustCompile(`%?[0-9.]+|[a-zA-Z_]+[0-9]*|"[^"]*"|[\[\]=,]`)

// FuzzFaults changes a few tokens and lines of a function that is well formed, so that what comes after the syntax is
// reached: shapes that do not follow, nodes of other types, names that stand twice.
func FuzzFaults(f *testing.F) {
	for seed := range byte(60) {
		f.Add([]byte{seed, seed % 3, seed, seed / 2, seed * 5, seed + 1})
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c := fuzzed.New(b)
		lines := strings.Split(strings.TrimSpace(graphtest.RandomFunc(rng.New(uint64(c.Below(256)))).String()), "\n")
		for range c.Below(4) {
			i, j := c.Below(min(256, len(lines))), c.Below(min(256, len(lines)))
			switch c.Below(8) {
			case 0:
				lines[i], lines[j] = lines[j], lines[i]
			case 1:
				lines = slices.Insert(lines, i, lines[j])
			case 2:
				lines = slices.Delete(lines, i, i+1)
			default:
				at := token.FindAllStringIndex(lines[i], 256)
				if len(at) == 0 {
					continue
				}
				k := at[c.Below(len(at))]
				other := fuzzed.Of(c, "0", "1", "2", "3", "-1", "%0", "%1", "9223372036854775807", "2147483647", "f32", "i32", "u8", "[]", "[2,3]", "sum", "matmul", "concat", "state", "input", `"x"`, "", "NaN", "-Inf", "axes=[0]", "same")
				lines[i] = lines[i][:k[0]] + other + lines[i][k[1]:]
			}
			if len(lines) == 0 {
				break
			}
		}
		checkParse(t, strings.Join(lines, "\n"))
	})
}
