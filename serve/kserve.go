package serve

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/imago-ml/imago/internal/buildinfo"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/serve/problem"
)

// The Open Inference Protocol (KServe v2, github.com/kserve/open-inference-protocol), with its extension for
// binary tensors, as another name of /decode, /encode and /reconstruct: an input z is decoded to image, an input x
// is encoded to mean and log_var, or reconstructed to image if that is what the request wants.

// lengthHeader says how many bytes of a body are JSON; binary tensors follow.
const lengthHeader = "Inference-Header-Content-Length"

// A wireTensor is a tensor of a request or of an answer.
type wireTensor struct {
	Name       string     `json:"name"`
	Shape      []int      `json:"shape,omitempty"`
	Datatype   string     `json:"datatype,omitempty"`
	Parameters parameters `json:"parameters,omitzero"`
	Data       *numbers   `json:"data,omitempty"`
}

type parameters struct {
	Size   int  `json:"binary_data_size,omitempty"`
	Binary bool `json:"binary_data,omitempty"`
	All    bool `json:"binary_data_output,omitempty"`
}

type inferRequest struct {
	ID         string       `json:"id,omitempty"`
	Parameters parameters   `json:"parameters,omitzero"`
	Inputs     []wireTensor `json:"inputs"`
	Outputs    []wireTensor `json:"outputs"`
}

type inferAnswer struct {
	ID      string       `json:"id,omitempty"`
	Model   string       `json:"model_name"`
	Version string       `json:"model_version"`
	Outputs []wireTensor `json:"outputs"`
}

// MarshalJSON returns the numbers as one flat array.
func (n *numbers) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 8*len(n.values)+2)
	b = append(b, '[')
	for i, v := range n.values {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendFloat(b, v)
	}
	return append(b, ']'), nil
}

// addKServe adds the paths of the protocol.
func (s *Server) addKServe(mux *http.ServeMux) {
	mux.HandleFunc("GET /v2/health/live", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, map[string]bool{"live": true}) })
	mux.HandleFunc("GET /v2/health/ready", func(w http.ResponseWriter, _ *http.Request) {
		if err := s.notReady(); err != nil {
			problem.Write(w, err)
			return
		}
		writeJSON(w, map[string]bool{"ready": true})
	})
	mux.HandleFunc("GET /v2", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string]any{"name": "imago", "version": buildinfo.Version(), "extensions": []string{"binary_tensor_data"}})
	})
	mux.HandleFunc("GET /v2/models/{model}", s.handle(func(w http.ResponseWriter, r *http.Request, m *Model) error {
		writeJSON(w, m.wireAbout())
		return nil
	}))
	mux.HandleFunc("GET /v2/models/{model}/ready", func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("model")
		if !slices.Contains(s.lib.Names(), name) {
			problem.Write(w, notFound(name, s.lib.Names()))
			return
		}
		writeJSON(w, map[string]any{"name": name, "ready": true})
	})
	mux.HandleFunc("POST /v2/models/{model}/infer", s.handle(s.infer))
}

// version returns that of a model for the protocol: the step of its training.
func (m *Model) version() string { return strconv.FormatInt(m.about.Step, 10) }

// wireAbout describes the model: all inputs, of which a request has one with labels or without, and all outputs.
func (m *Model) wireAbout() map[string]any {
	var inputs, outputs []wireTensor
	add := func(to *[]wireTensor, name string, axes ...int) {
		*to = append(*to, wireTensor{Name: name, Datatype: "FP32", Shape: append([]int{-1}, axes...)})
	}
	if m.decode != nil {
		add(&inputs, model.InputZ, m.Latent())
	}
	if m.encode != nil || m.reconstruct != nil {
		add(&inputs, model.InputX, m.Item().Shape...)
	}
	if m.takesLabels() {
		add(&inputs, model.InputLabels, m.Input().Labels)
	}
	if m.decode != nil || m.reconstruct != nil {
		add(&outputs, model.OutputPicture, m.Item().Shape...)
	}
	if m.encode != nil {
		add(&outputs, model.OutputMean, m.Latent())
		add(&outputs, model.OutputLogVar, m.Latent())
	}
	return map[string]any{"name": m.about.Name, "versions": []string{m.version()}, "platform": "imago_" + m.about.Recipe, "inputs": inputs, "outputs": outputs}
}

// infer answers a request of the protocol.
func (s *Server) infer(w http.ResponseWriter, r *http.Request, m *Model) error {
	q, in, err := s.readInfer(r, m)
	if err != nil {
		return err
	}
	var wanted []string
	for _, o := range q.Outputs {
		wanted = append(wanted, o.Name)
	}
	labels := in[model.InputLabels]
	out := map[string]array{}
	switch z, x := in[model.InputZ], in[model.InputX]; {
	case z != nil:
		items, err := m.Decode(r.Context(), z, labels)
		if err != nil {
			return err
		}
		out[model.OutputPicture] = m.itemsOf(items)
	case slices.Contains(wanted, model.OutputPicture):
		items, err := m.Reconstruct(r.Context(), x, labels)
		if err != nil {
			return err
		}
		out[model.OutputPicture] = m.itemsOf(items)
	}
	if in[model.InputX] != nil && (len(wanted) == 0 || slices.Contains(wanted, model.OutputMean) || slices.Contains(wanted, model.OutputLogVar)) {
		mean, logVar, err := m.Encode(r.Context(), in[model.InputX], labels)
		if err != nil {
			return err
		}
		out[model.OutputMean] = m.codesOf(mean)
		if logVar != nil {
			out[model.OutputLogVar] = m.codesOf(logVar)
		}
	}
	answer := inferAnswer{ID: q.ID, Model: m.about.Name, Version: m.version()}
	var binary []byte
	for _, name := range []string{model.OutputPicture, model.OutputMean, model.OutputLogVar} {
		x, ok := out[name]
		at := slices.Index(wanted, name)
		if !ok || wanted != nil && at < 0 {
			continue
		}
		t := wireTensor{Name: name, Shape: x.shape, Datatype: "FP32"}
		if q.Parameters.All || at >= 0 && q.Outputs[at].Parameters.Binary {
			b := rawBytes(x.values)
			t.Parameters.Size = len(b)
			binary = append(binary, b...)
		} else {
			t.Data = &numbers{values: x.values}
		}
		answer.Outputs = append(answer.Outputs, t)
	}
	for _, name := range wanted {
		if _, ok := out[name]; !ok {
			return problem.New(http.StatusBadRequest, "outputs: no %q of these inputs: z gives image; x gives mean, log_var and image", name).Of("outputs", name)
		}
	}
	b, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", typeJSON)
	h.Set("Cache-Control", "no-store")
	if binary != nil {
		h.Set("Content-Type", typeRaw)
		h.Set(lengthHeader, strconv.Itoa(len(b)))
	}
	h.Set("Content-Length", strconv.Itoa(len(b)+len(binary)))
	_, _ = w.Write(append(b, binary...)) // a client that has gone is no fault of the server
	return nil
}

// readInfer reads a request of the protocol and its inputs.
func (s *Server) readInfer(r *http.Request, m *Model) (*inferRequest, map[string][]float32, error) {
	raw, err := readAll(r)
	if err != nil {
		return nil, nil, err
	}
	text, rest := raw, []byte(nil)
	if h := r.Header.Get(lengthHeader); h != "" {
		n, err := strconv.Atoi(h)
		if err != nil || n < 0 || n > len(raw) {
			return nil, nil, problem.New(http.StatusBadRequest, "%s is %q: want a number of bytes of the body, which has %d", lengthHeader, h, len(raw)).Of(lengthHeader, h)
		}
		text, rest = raw[:n], raw[n:]
	}
	var q inferRequest
	if err := json.Unmarshal(text, &q); err != nil {
		return nil, nil, problem.New(http.StatusBadRequest, "the body is no request of the inference protocol: %v", err).Of("body", string(text[:min(len(text), 200)]))
	}
	in, rows := map[string][]float32{}, 0
	for i, t := range q.Inputs {
		field := fmt.Sprintf("inputs[%d]", i)
		width := map[string]int{model.InputZ: m.Latent(), model.InputX: m.Item().Size(), model.InputLabels: m.Input().Labels}[t.Name]
		switch {
		case width == 0:
			return nil, nil, problem.New(http.StatusBadRequest, "%s: no input %q of %s: want z, x or labels", field, t.Name, m.about.Name).Of(field, t.Name)
		case in[t.Name] != nil:
			return nil, nil, problem.New(http.StatusBadRequest, "%s: %s is given twice", field, t.Name).Of(field, t.Name)
		case t.Datatype != "FP32":
			return nil, nil, problem.New(http.StatusBadRequest, "%s: the datatype is %q: want FP32", field, t.Datatype).Of(field, t.Datatype)
		case len(t.Shape) == 0 || len(t.Shape) > maxDepth || slices.Min(t.Shape) < 1:
			return nil, nil, problem.New(http.StatusBadRequest, "%s: the shape is %v: want the number of rows and the axes of a row", field, t.Shape).Of(field, fmt.Sprint(t.Shape))
		}
		sent := &body{}
		switch size := t.Parameters.Size; {
		case size < 0 || size > len(rest):
			return nil, nil, problem.New(http.StatusBadRequest, "%s: binary_data_size is %d, and %d bytes are left of the body", field, size, len(rest)).Of(field, strconv.Itoa(size))
		case size > 0:
			if err := m.parseRaw(sent, rest[:size], axes(t.Shape), fields{"codes"}); err != nil {
				return nil, nil, err
			}
			rest = rest[size:]
		case t.Data != nil:
			sent.Codes = *t.Data
		}
		n := numbers{sent.Codes.values, t.Shape}
		size := 1
		for _, axis := range t.Shape {
			size = min(size*axis, 1<<40)
		}
		if size != len(n.values) {
			return nil, nil, problem.New(http.StatusBadRequest, "%s: %d values, and the shape is %v", field, len(n.values), t.Shape).Of(field, fmt.Sprint(t.Shape))
		}
		if in[t.Name], err = n.rows(field, width, s.opt.MaxItems, "as the model's description says"); err != nil {
			return nil, nil, err
		}
		if rows != 0 && rows != size/width {
			return nil, nil, problem.New(http.StatusBadRequest, "%s: %d rows, and another input has %d", field, size/width, rows).Of(field, strconv.Itoa(size/width))
		}
		rows = size / width
	}
	if len(rest) > 0 {
		return nil, nil, problem.New(http.StatusBadRequest, "%d bytes of the body belong to no input", len(rest)).Of("body", "")
	}
	if (in[model.InputZ] == nil) == (in[model.InputX] == nil) {
		return nil, nil, problem.New(http.StatusBadRequest, "inputs: want one of z and x").Of("inputs", "")
	}
	return &q, in, nil
}
