package export

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/onnx"
	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/internal/buildinfo"
	"github.com/imago-ml/imago/internal/memory"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/train"
)

// onnxSuffix is the end of the names of ONNX models.
const onnxSuffix = ".onnx"

// ONNX writes networks as ONNX models into the folder out, each to a file of its name: see package onnx for what is in
// it. An out that ends in .onnx is the file of one network. It returns the files that it has written, before an error too.
func ONNX(ctx context.Context, t *train.Trained, networks []Network, out string, p onnx.Precision) ([]Written, error) {
	file := strings.EqualFold(filepath.Ext(out), onnxSuffix)
	if file && len(networks) != 1 {
		var names []string
		for _, n := range networks {
			names = append(names, n.Name)
		}
		return nil, fmt.Errorf("export: %s is one file, and the model has the networks %s: choose one of them, or name a folder", out, strings.Join(names, ", "))
	}
	if !file {
		if err := os.MkdirAll(out, 0o777); err != nil {
			return nil, err
		}
	}
	var written []Written
	for _, n := range networks {
		name := out
		if !file {
			name = filepath.Join(out, n.Name+onnxSuffix)
		}
		if err := ctx.Err(); err != nil {
			return written, err
		}
		var draws []onnx.Draw
		err := atomicfile.Write(name, func(w io.Writer) (err error) {
			draws, err = WriteONNX(w, t, n, p)
			return err
		})
		if err != nil {
			return written, err
		}
		written = append(written, Written{name, about(n, draws)})
	}
	return written, nil
}

// about says what a network computes, and which inputs are draws.
func about(n Network, draws []onnx.Draw) string {
	switch len(draws) {
	case 0:
		return n.About
	case 1:
		return fmt.Sprintf("%s; the input %s takes draws from %s", n.About, draws[0].Name, draws[0].Distribution)
	}
	return fmt.Sprintf("%s; %d of its inputs take random draws", n.About, len(draws))
}

// copies is how many arrays of the size of the weights writing holds at most: those of the device, in another order of
// axes, and with scales of batch norm in them.
const copies = 3

// WriteONNX writes one network as an ONNX model. It returns the inputs that take random draws.
func WriteONNX(w io.Writer, t *train.Trained, n Network, p onnx.Precision) ([]onnx.Draw, error) {
	bytes := int64(copies * 4 * nn.Count(t.Model().Params))
	if err := memory.Check(bytes, "the weights of the %s, to be written", n.Name); err != nil {
		return nil, err
	}
	meta, err := metadata(t, n, p)
	if err != nil {
		return nil, err
	}
	weights := map[string]*tensor.Tensor{}
	draws, err := onnx.Write(w, n.Build, onnx.Options{
		Weights: func(name string) (*tensor.Tensor, error) {
			if weights[name] == nil {
				v, err := t.Runner().Get(name)
				if err != nil {
					return nil, err
				}
				weights[name] = v
			}
			return weights[name], nil
		},
		Precision: p, Name: n.Name, About: n.About, Producer: buildinfo.Version(), Metadata: meta, Describe: Meaning,
	})
	if err != nil {
		return nil, fmt.Errorf("export: %s: %w", n.Name, err)
	}
	return draws, nil
}

// metadata returns what the file of a network says of itself.
func metadata(t *train.Trained, n Network, p onnx.Precision) ([][2]string, error) {
	item := t.Item()
	c := &t.Config
	meta := [][2]string{
		{"imago.version", buildinfo.Version()},
		{"imago.network", n.Name},
		{"imago.recipe", c.Recipe},
		{"imago.precision", p.String()},
		{"imago.item_shape", item.String()},
		{"imago.layout", "the batch, then the axes of an item: NHWC of images"},
		{"imago.range", "0 to 1"},
		{"imago.step", strconv.FormatInt(t.Step, 10)},
	}
	if item.Medium != nil {
		meta = append(meta, [2]string{"imago.medium", item.Medium.Name()})
	}
	if t.Latent() > 0 {
		meta = append(meta, [2]string{"imago.latent", strconv.Itoa(t.Latent())})
	}
	if c.Data.Name != "" {
		meta = append(meta, [2]string{"imago.data", filepath.Base(c.Data.Name)})
	}
	if len(c.Data.Labels) > 0 {
		labels, err := json.Marshal(c.Data.Labels)
		if err != nil {
			return nil, err
		}
		meta = append(meta, [2]string{"imago.labels", string(labels)})
	}
	var ports []string
	for _, port := range []string{
		model.InputX, model.InputZ, model.InputLabels,
		model.OutputPicture, model.OutputMean, model.OutputLogVar, model.OutputProbs, model.OutputLogit,
	} {
		ports = append(ports, port+": "+Meaning(port))
	}
	return append(meta, [2]string{"imago.ports", strings.Join(ports, "\n")}), nil
}
