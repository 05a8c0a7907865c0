package feature

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/exec"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/safetensors"
	"github.com/imago-ml/imago/internal/fault"
	"github.com/imago-ml/imago/nn"
)

// Options say where a Net is kept, and which functions report its training. The zero value is ready for
// use.
type Options struct {
	NoCache  bool               // train a new net and keep nothing
	Progress func(step, of int) // called before each step of training; may be nil
	Warn     func(text string)  // called if the cache cannot be used; may be nil
}

// Open returns the net of a set: from the user's cache, or trained on the labels of the
// training images and kept there. It fails with ErrUnfit if the set has no labels or its
// images are too small.
func Open(ctx context.Context, set *data.Set, be backend.Backend, opt Options) (*Net, error) {
	info, train, err := newInfo(set)
	if err != nil {
		return nil, err
	}
	name := ""
	if !opt.NoCache {
		if name, err = info.file(); err != nil {
			return nil, fmt.Errorf("feature: %w", err)
		}
		n, err := load(name, info, be)
		if err == nil {
			return n, nil
		}
		if fault.OfSystem(err) { // the kept net may be good
			return nil, err
		}
		if !os.IsNotExist(err) {
			opt.warn("%s: %v: trained anew", name, err)
		}
	}
	r, err := trainNet(ctx, info, train, be, opt.Progress)
	if err != nil {
		return nil, err
	}
	n, err := newNet(info, r)
	if err != nil {
		return nil, err
	}
	if test, ok := set.Labelled(set.Test).(data.Labeller); ok && test.Len() > 0 {
		if n.Accuracy, err = n.accuracy(ctx, test); err != nil {
			return nil, err
		}
	}
	if !opt.NoCache {
		if err := n.save(name); err != nil {
			opt.warn("the feature net is not kept: %v", err)
		}
	}
	return n, nil
}

// Kept reports whether Open finds the net of a set in the user's cache. It fails with ErrUnfit
// if there is no net for the set.
func Kept(set *data.Set) (bool, error) {
	info, _, err := newInfo(set)
	if err != nil {
		return false, err
	}
	name, err := info.file()
	if err != nil {
		return false, fmt.Errorf("feature: %w", err)
	}
	_, err = os.Stat(name)
	return err == nil, nil
}

func (o Options) warn(format string, args ...any) {
	if o.Warn != nil {
		o.Warn(fmt.Sprintf(format, args...))
	}
}

// file returns the name of the file in which the net is kept.
func (i Info) file() (string, error) {
	dir, err := data.CacheDir("features")
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, i.hash()+".safetensors"), nil
}

// hash returns the SHA-256, in hex, of everything that determines the net.
func (i Info) hash() string {
	i.Accuracy = 0
	b, err := json.Marshal(i)
	if err != nil {
		panic(err) // numbers and texts are JSON
	}
	return fmt.Sprintf("%x", sha256.Sum256(b))
}

// Tag returns the name of a set's net in the names of metrics: "cnn1-7b09b6ba", which is
// Version and the first digits of a hash of everything that determines the net. It needs no
// trained net. If no net can be trained for the set, it is "cnn1".
func Tag(set *data.Set) string {
	tag := fmt.Sprintf("cnn%d", Version)
	if set == nil {
		return tag
	}
	info, _, err := newInfo(set)
	if err != nil {
		return tag
	}
	return tag + "-" + info.hash()[:8]
}

// infoKey is the entry of the file's metadata that holds the Info as JSON.
const infoKey = "imago_feature"

// save writes the net to the file of that name.
func (n *Net) save(name string) error {
	weights := map[string]*tensor.Tensor{}
	for _, p := range n.params() {
		t, err := n.runner.Get(p.Name)
		if err != nil {
			return err
		}
		weights[p.Name] = t
	}
	b, err := json.Marshal(n.Info)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	return safetensors.WriteFile(name, weights, map[string]string{infoKey: string(b)})
}

// load returns the net that info describes, from its file; the accuracy is that of the file.
func load(name string, info Info, be backend.Backend) (*Net, error) {
	weights, meta, err := safetensors.Read(name)
	if err != nil {
		return nil, err
	}
	var kept Info
	if err := json.Unmarshal([]byte(meta[infoKey]), &kept); err != nil {
		return nil, fmt.Errorf("not a feature net: %w", err)
	}
	info.Accuracy = kept.Accuracy
	if !sameInfo(info, kept) {
		return nil, fmt.Errorf("a feature net of another set")
	}
	if !(info.Accuracy >= 0 && info.Accuracy <= 1) {
		return nil, fmt.Errorf("not a feature net: it gets a share of %v of the labels right", info.Accuracy)
	}
	r := exec.New(be, nil)
	if err := r.Restore(nn.Shapes(info.params()), weights); err != nil {
		return nil, err
	}
	return newNet(info, r)
}

// sameInfo reports whether two descriptions are equal.
func sameInfo(a, b Info) bool {
	labels := slices.Equal(a.Labels, b.Labels)
	a.Labels, b.Labels = nil, nil
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return labels && string(x) == string(y)
}

// params returns the parameters of the net.
func (i Info) params() []nn.Param {
	b := nn.NewBuilder()
	i.layers(b)
	return b.Params()
}
