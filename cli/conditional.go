package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/english"
)

// labelsOf returns the labels of images with which the model decodes their codes, (N, K), or nil if the model is not
// conditional.
func (m *trainedModel) labelsOf(images data.Items) ([]float32, error) {
	k := m.DecodeLabels()
	if k == 0 {
		return nil, nil
	}
	l, ok := images.(data.Labeller)
	if !ok || len(l.LabelNames()) != k {
		return nil, fmt.Errorf("%s is conditional on a class or on attributes, %d labels in all, which these images do not have: choose images of the set it was trained on", m.recipe, k)
	}
	all := make([]float32, images.Len()*k)
	for i := range images.Len() {
		l.LabelsAt(i, all[i*k:(i+1)*k])
	}
	return all, nil
}

// labelRows returns n equal rows of k labels, (n, k), from the value of --as: a class, or attributes with commas
// between. It returns nil if k is 0, as for a model that is not conditional.
func (m *trainedModel) labelRows(names string, k, n int) ([]float32, error) {
	switch {
	case k == 0 && names == "":
		return nil, nil
	case k == 0:
		return nil, fmt.Errorf("--as %q: %s is not conditional: its images cannot be chosen by label", names, m.recipe)
	}
	known := m.labelNames(k)
	if names == "" {
		return nil, fmt.Errorf("%s is conditional: choose the labels of its images with --as; have %s", m.recipe, english.Some(known))
	}
	one := make([]float32, k)
	if i := findLabel(names, known); i >= 0 { // a name may have commas
		one[i] = 1
		return slices.Repeat(one, n), nil
	}
	for name := range strings.SplitSeq(names, ",") {
		i := findLabel(name, known)
		if i < 0 {
			near := data.Suggest(name, known)
			if len(near) == 0 {
				near = known
			}
			return nil, fmt.Errorf("--as %q: %s has no label of that name; have %s", name, m.recipe, english.Some(near))
		}
		one[i] = 1
	}
	return slices.Repeat(one, n), nil
}

// findLabel returns the number of the label of that name, in other capital letters or blanks around it if there is none of
// that very name; −1 = there is none.
func findLabel(name string, known []string) int {
	if i := slices.Index(known, name); i >= 0 {
		return i
	}
	return slices.IndexFunc(known, func(l string) bool { return strings.EqualFold(strings.TrimSpace(l), strings.TrimSpace(name)) })
}

// repeatRows returns rows, (N, K), with each row repeated times over: (N·times, K). It returns nil for nil.
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

// labelNames returns the names of the k labels of a conditional model: those of its data set, or numbers if only its
// weights are known.
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
