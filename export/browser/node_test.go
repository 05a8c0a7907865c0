package browser

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/nodejs"
)

// server is a program of Node that loads and runs programs, a line of JSON each.
const server = `
require("v8").setFlagsFromString("--experimental-wasm-relaxed-simd"); // on by itself from V8 11.4
const machines = [], answer = (a) => process.stdout.write(JSON.stringify(a) + "\n");
const text = (a) => Buffer.from(new Float32Array(a).buffer).toString("base64");
require("readline").createInterface({ input: process.stdin }).on("line", async (line) => {
  try {
    const r = JSON.parse(line);
    if (r.program) {
      const m = await imago.load(r.program, imago.bytesOf(r.weights), r.half, r.kernels);
      machines.push(m);
      answer({ machine: machines.length - 1, kind: m.kind });
    } else if (r.evaluate) {
      answer({ numbers: text(eval(r.evaluate)) });
    } else {
      const operands = {}, results = {};
      for (const [k, v] of Object.entries(r.operands)) operands[k] = Array.isArray(v) ? v : new Float32Array(new Uint8Array(imago.bytesOf(v)).buffer);
      let out, start = performance.now();
      for (let i = 0; i < (r.times || 1); i++) { out = machines[r.machine].run(r.function, operands, r.item); }
      const ms = (performance.now() - start) / (r.times || 1);
      for (const [k, v] of Object.entries(out)) results[k] = text(v);
      answer({ results, ms });
    }
  } catch (e) { answer({ error: e.stack }); }
});`

// A nodeProcess runs programs in Node. One request is under way at a time.
type nodeProcess struct{ *nodejs.Server }

// startNode starts Node. It skips the test where there is no Node, and fails it in CI.
func startNode(t testing.TB) *nodeProcess {
	t.Helper()
	return &nodeProcess{nodejs.Serve(t, []byte(Runtime+server))}
}

// An answer is a line of the server.
type answer struct {
	Machine int
	Kind    string
	Results map[string]string
	Numbers string
	MS      float64
	Error   string
}

func (n *nodeProcess) ask(request map[string]any) (*answer, error) {
	a := &answer{}
	if err := n.Ask(request, a); err != nil {
		return nil, err
	}
	if a.Error != "" {
		return nil, errors.New(a.Error)
	}
	return a, nil
}

// numbers returns the float32 numbers of a text.
func numbers(text string) []float32 {
	b, _ := base64.StdEncoding.DecodeString(text) // Node made it
	v := make([]float32, len(b)/4)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return v
}

// evaluate returns the numbers that an expression of JavaScript has.
func (n *nodeProcess) evaluate(expression string) ([]float32, error) {
	a, err := n.ask(map[string]any{"evaluate": expression})
	if err != nil {
		return nil, err
	}
	return numbers(a.Numbers), nil
}

// A machine is a program that is loaded in Node.
type machine struct {
	*nodeProcess
	program *Program
	index   int
}

// load loads a program with kernels of a kind.
func (n *nodeProcess) load(p *Program, half bool, kernels string) (*machine, error) {
	a, err := n.ask(map[string]any{"program": p, "weights": base64.StdEncoding.EncodeToString(p.Weights(half)), "half": half, "kernels": kernels})
	if err != nil {
		return nil, err
	}
	if kernels != "" && a.Kind != kernels {
		return nil, fmt.Errorf("kernels are %s, want %s", a.Kind, kernels)
	}
	return &machine{n, p, a.Machine}, nil
}

// run runs a function as an item of a batch, so many times, and returns its results and the milliseconds of a run.
func (m *machine) run(function string, operands map[string]*tensor.Tensor, item, times int) (map[string][]float32, float64, error) {
	given := map[string]any{}
	for name, t := range operands {
		if t.DType() == tensor.Int32 {
			given[name] = t.I32()
			continue
		}
		var b []byte
		for _, v := range t.F32() {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		given[name] = base64.StdEncoding.EncodeToString(b)
	}
	a, err := m.ask(map[string]any{"machine": m.index, "function": function, "operands": given, "item": item, "times": times})
	if err != nil {
		return nil, 0, err
	}
	results := map[string][]float32{}
	for name, text := range a.Results {
		results[name] = numbers(text)
	}
	return results, a.MS, nil
}
