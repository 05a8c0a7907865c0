// Package onnxtest runs ONNX models by ONNX Runtime, for tests.
//
// The runtime is onnxruntime-node in Node.js: runtime.js holds the requests. The variable IMAGO_ONNXRUNTIME names the
// folder whose node_modules has it; .ci/run installs it. Without it a test is skipped, and fails if CI is true.
//
// The package must not know how models are written.
package onnxtest

import (
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/imago-ml/imago/internal/nodejs"
)

// Folder is the variable that names the folder with the runtime.
const Folder = "IMAGO_ONNXRUNTIME"

//go:embed runtime.js
var script []byte

// A Runtime is a process that runs models, one request at a time.
type Runtime struct {
	dir    string
	server *nodejs.Server
	n      int
}

// An Array is an array of numbers with its shape.
type Array struct {
	Shape []int
	Data  []float32
}

type message struct {
	Load    string           `json:"load,omitempty"`
	Run     *int             `json:"run,omitempty"`
	Free    *int             `json:"free,omitempty"`
	Times   int              `json:"times,omitempty"`
	Session int              `json:"session,omitempty"`
	Inputs  map[string]array `json:"inputs,omitempty"`
}

type reply struct {
	Session int              `json:"session"`
	Inputs  []string         `json:"inputs"`
	Outputs json.RawMessage  `json:"outputs"`
	MS      []float64        `json:"ms"`
	Error   string           `json:"error"`
	arrays  map[string]array // of Outputs of a run
}

type array struct {
	Shape []int  `json:"shape"`
	Data  []byte `json:"data"`
}

// installed returns the folder with the runtime.
func installed(t testing.TB) string {
	t.Helper()
	folder := os.Getenv(Folder)
	if folder == "" {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s names no folder with onnxruntime-node: .ci/run installs it", Folder)
		}
		t.Skipf("%s names no folder with onnxruntime-node", Folder)
	}
	return folder
}

// Node runs a program of Node.js in a folder and returns what it prints. It finds onnxruntime-node.
func Node(t testing.TB, dir, program string) string {
	t.Helper()
	folder := installed(t)
	cmd := nodejs.Command(t, "-e", program)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "NODE_PATH="+filepath.Join(folder, "node_modules"))
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v", err)
	}
	return string(out)
}

// Start starts the runtime, which ends with the test.
func Start(t testing.TB) *Runtime {
	t.Helper()
	folder := installed(t)
	return &Runtime{dir: t.TempDir(), server: nodejs.Serve(t, script, folder)}
}

// ask sends a request and returns the answer.
func (r *Runtime) ask(m message) (*reply, error) {
	var a reply
	if err := r.server.Ask(m, &a); err != nil {
		return nil, err
	}
	if a.Error != "" {
		return nil, fmt.Errorf("ONNX Runtime: %s", a.Error)
	}
	if m.Run != nil {
		return &a, json.Unmarshal(a.Outputs, &a.arrays)
	}
	return &a, nil
}

// A Session is a model that the runtime has read.
type Session struct {
	Inputs  []string // names
	runtime *Runtime
	id      int
}

// Load reads a model.
func (r *Runtime) Load(model []byte) (*Session, error) {
	r.n++
	name := filepath.Join(r.dir, fmt.Sprint(r.n, ".onnx"))
	if err := os.WriteFile(name, model, 0o666); err != nil {
		return nil, err
	}
	defer os.Remove(name)
	a, err := r.ask(message{Load: name})
	if err != nil {
		return nil, err
	}
	return &Session{Inputs: a.Inputs, runtime: r, id: a.Session}, nil
}

// Free ends the session.
func (s *Session) Free() error {
	_, err := s.runtime.ask(message{Free: &s.id})
	return err
}

// Run runs the model and returns its outputs by name.
func (s *Session) Run(inputs map[string]Array) (map[string]Array, error) {
	out, _, err := s.Time(inputs, 0)
	return out, err
}

// Time runs the model once and then so many times more, and returns the milliseconds of each of these.
func (s *Session) Time(inputs map[string]Array, times int) (map[string]Array, []float64, error) {
	m := message{Run: &s.id, Times: times, Inputs: map[string]array{}}
	for name, a := range inputs {
		b := make([]byte, 0, 4*len(a.Data))
		for _, v := range a.Data {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		m.Inputs[name] = array{append([]int{}, a.Shape...), b}
	}
	a, err := s.runtime.ask(m)
	if err != nil {
		return nil, nil, err
	}
	out := map[string]Array{}
	for name, b := range a.arrays {
		data := make([]float32, len(b.Data)/4)
		for i := range data {
			data[i] = math.Float32frombits(binary.LittleEndian.Uint32(b.Data[4*i:]))
		}
		out[name] = Array{b.Shape, data}
	}
	return out, a.MS, nil
}
