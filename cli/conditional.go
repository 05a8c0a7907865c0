package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/imago-ml/imago/data"
)

// labelsOf returns those of images as the model wants them for decoding, (N, K); nil of a model that is not conditional.
func (m *trainedModel) labelsOf(images data.Items) ([]float32, error) {
	k := m.DecodeLabels()
	if k == 0 {
		return nil, nil
	}
	l, ok := images.(data.Labeller)
	if !ok || len(l.LabelNames()) != k {
		return nil, fmt.Errorf("%s makes images of a class or of attributes, %d labels each, which these images do not have: choose images of the set it was trained on", m.recipe, k)
	}
	all := make([]float32, images.Len()*k)
	for i := range images.Len() {
		l.LabelsAt(i, all[i*k:(i+1)*k])
	}
	return all, nil
}

// labelRows returns the labels that the user names, n times over: a class, or attributes with commas between. What takes k = 0 of them,
// as of a model that is not conditional, has none.
func (m *trainedModel) labelRows(names string, k, n int) ([]float32, error) {
	switch {
	case k == 0 && names == "":
		return nil, nil
	case k == 0:
		return nil, fmt.Errorf("--as %q: %s is not conditional: it makes images of its own choice", names, m.recipe)
	}
	known := m.labelNames(k)
	if names == "" {
		return nil, fmt.Errorf("%s is conditional: say what its images are to be with --as; have %s", m.recipe, strings.Join(known, ", "))
	}
	one := make([]float32, k)
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(known, func(l string) bool { return strings.EqualFold(l, strings.TrimSpace(name)) })
		if i < 0 {
			near := data.Suggest(name, known)
			if len(near) == 0 {
				near = known
			}
			return nil, fmt.Errorf("--as %q: %s knows no label of that name; have %s", name, m.recipe, strings.Join(near, ", "))
		}
		one[i] = 1
	}
	return slices.Repeat(one, n), nil
}

// repeatRows repeats every row of (N, K) times over; nil stays nil.
func repeatRows(rows []float32, n, times int) []float32 {
	if rows == nil {
		return nil
	}
	var out []float32
	k := len(rows) / n
	for i := range n {
		out = append(out, slices.Repeat(rows[i*k:(i+1)*k], times)...)
	}
	return out
}

// labelNames returns the k labels of a conditional model, by number if only its weights are known.
func (m *trainedModel) labelNames(k int) []string {
	if m.config != nil && len(m.config.Data.Labels) == k {
		return m.config.Data.Labels
	}
	names := make([]string, k)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	return names
}
