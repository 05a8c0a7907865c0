package gan

import (
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
)

// The norms of a network: batch norm of the outputs of its layers, or spectral norm of
// their kernels.
const (
	batchNorm    = "batch"
	spectralNorm = "spectral"
	noNorm       = "none"
)

// checkNorms returns the faults of the norms of both networks.
func checkNorms(d, g string) []error {
	var faults []error
	for _, n := range []struct{ field, norm string }{{"DNorm", d}, {"GNorm", g}} {
		if n.norm != batchNorm && n.norm != spectralNorm && n.norm != noNorm {
			faults = append(faults, option.Errorf("gan: {"+n.field+"} %q: want batch, spectral or none", n.norm))
		}
	}
	return faults
}

// normalise returns act of the output h of a layer, after batch norm if that is the norm.
func normalise(b *nn.Builder, norm, name string, h *graph.Node, act nn.Activation) *graph.Node {
	if norm == batchNorm {
		return b.BatchNorm(name, h, act)
	}
	return b.Layer(name, "Activation", act(h), h)
}

// checkFilters returns the faults of filters, one number for each layer or block that
// halves the image. nil stands for defaultFilters.
func checkFilters(filters []int) []error {
	if filters == nil {
		return nil
	}
	faults := model.CheckLayers("gan", "Filters", filters)
	if len(filters) > 16 {
		faults = append(faults, option.Errorf("gan: {Filters} has %d layers: want at most 16, each halves the image", len(filters)))
	}
	return faults
}

// defaultFilters returns first, 2·first, … up to 512, as many numbers as leave a side of 4
// or more. For images under 64 pixels each is half of that.
func defaultFilters(img medium.Item, first int) []int {
	h, w, _, err := medium.HWC(img)
	if err != nil {
		return []int{first} // fits returns the error
	}
	var filters []int
	if min(h, w) < 64 {
		first = max(1, first/2)
	}
	for side, n := min(h, w), first; side%2 == 0 && side >= 8; side, n = side/2, min(2*n, 512) {
		filters = append(filters, n)
	}
	if filters == nil {
		return []int{first}
	}
	return filters
}
