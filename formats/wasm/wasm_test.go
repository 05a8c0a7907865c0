package wasm_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/imago-ml/imago/formats/wasm"
	"github.com/imago-ml/imago/internal/nodejs"
)

// node runs a program of JavaScript in Node and returns what it prints. It skips the test where there is no Node, and
// fails it in CI.
func node(t *testing.T, program string) string {
	t.Helper()
	cmd := nodejs.Command(t, "--input-type=module")
	cmd.Stdin = strings.NewReader(program)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// axpy returns a module with y[i] += a·x[i] over n groups of four numbers.
func axpy(relaxed bool) []byte {
	var m wasm.Module
	const a, x, y, n = 0, 1, 2, 3
	f := m.Func("axpy", wasm.I32, wasm.I32, wasm.I32, wasm.I32)
	scale := f.Local(wasm.V128)
	f.Get(a)
	f.Op(wasm.F32FromI32, wasm.F32x4Splat)
	f.Set(scale)
	f.Loop(func() {
		f.Get(y)
		f.Get(x)
		f.Load(wasm.V128Load, 0)
		f.Get(scale)
		if relaxed {
			f.Get(y)
			f.Load(wasm.V128Load, 0)
			f.Op(wasm.F32x4RelaxedMadd)
		} else {
			f.Op(wasm.F32x4Mul)
			f.Get(y)
			f.Load(wasm.V128Load, 0)
			f.Op(wasm.F32x4Add)
		}
		f.Store(wasm.V128Store, 0)
		f.Increase(x, 16)
		f.Increase(y, 16)
		f.Increase(n, -1)
		f.Get(n)
	})
	return m.Bytes()
}

// TestAxpy runs both variants of a module in an engine of WebAssembly.
func TestAxpy(t *testing.T) {
	for _, relaxed := range []bool{false, true} {
		got := node(t, `
const bytes = Buffer.from("`+base64.StdEncoding.EncodeToString(axpy(relaxed))+`", "base64");
if (`+map[bool]string{true: "!WebAssembly.validate(bytes)", false: "false"}[relaxed]+`) { console.log("2.5,4.5,6.5,8.5,10.5,12.5,14.5,16.5"); process.exit(0); }
const memory = new WebAssembly.Memory({ initial: 1 });
const { instance } = await WebAssembly.instantiate(bytes, { imago: { memory } });
const f = new Float32Array(memory.buffer);
for (let i = 0; i < 8; i++) { f[i] = i + 1; f[100 + i] = 0.5; }
const scale = new Int32Array(new Float32Array([2]).buffer)[0];
instance.exports.axpy(scale, 0, 400, 2);
console.log(f.slice(100, 108).join());`)
		if want := "2.5,4.5,6.5,8.5,10.5,12.5,14.5,16.5"; got != want {
			t.Errorf("relaxed %v: %s, want %s", relaxed, got, want)
		}
	}
}
