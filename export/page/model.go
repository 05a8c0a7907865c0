package page

import (
	"fmt"
	"slices"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/export/browser"
	"github.com/imago-ml/imago/internal/memory"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/viz"
)

// The functions of a program, by the names that pages have for them.
const (
	decode      = "decode"
	encode      = "encode"
	reconstruct = "reconstruct"
	sample      = "sample"
)

// A Model is what a page computes by itself of a trained model, and what it has to know for that. Its JSON is read by pages.
type Model struct {
	Program    *browser.Program `json:"program"` // and its weights
	Shape      []int            `json:"shape"`
	Latent     int              `json:"latent"`
	Sampler    bool             `json:"sampler"`    // draws are of the model's own sampler, not decoded from N(0, I)
	Labels     []string         `json:"labels"`     // of a conditional model
	Attributes bool             `json:"attributes"` // any of the labels may be chosen, not one alone
	Order      []int            `json:"order"`      // of the units, the most important first
	Plane      [2]int           `json:"plane"`      // the units of the plane
	Reach      float64          `json:"reach"`      // the plane shows codes from −reach to reach
	Classes    []string         `json:"classes"`    // of the points
	Colors     [][3]uint8       `json:"colors"`     // of the classes

	folded *browser.Folded
	points *points
}

// New returns what a page computes by itself of a trained model. It fails as Lower does.
func New(t *train.Trained) (*Model, error) {
	folded, program, err := Lower(t)
	if err != nil {
		return nil, err
	}
	units, codes, err := kept(t)
	if err != nil {
		return nil, err
	}
	plane := units.Plane()
	m := &Model{Program: program, Shape: t.Item().Shape, Latent: t.Latent(), Sampler: t.Model().Sample != nil, Labels: labelNames(t),
		Order: units.Order(), Plane: [2]int{plane.X, plane.Y}, Reach: 3, Classes: []string{}, Colors: [][3]uint8{}, folded: folded}
	if m.Latent <= 2 {
		slices.Sort(m.Order)
	}
	if codes == nil {
		return m, nil
	}
	m.points, m.Reach = newPoints(codes, plane)
	m.Classes = append(m.Classes, codes.Set.Classes...)
	m.Attributes = len(codes.Set.Attributes) > 0 && len(codes.Set.Classes) == 0
	for i := range m.Classes {
		v := viz.ClassColor(i)
		m.Colors = append(m.Colors, [3]uint8{v.R, v.G, v.B})
	}
	return m, nil
}

// Check returns an error for a model that draws no images of one or three channels: no page can show what it draws.
func Check(it medium.Item, m *model.Model) error {
	if _, _, c, err := medium.HWC(it); err != nil || it.Medium == nil || it.Medium.Name() != pixels.Name || c != 1 && c != 3 {
		return fmt.Errorf("page: a page shows grey or coloured images, and this model makes %ss of %v: use --to onnx", medium.Noun(it), it)
	}
	if m.Decode == nil && m.Sample == nil && m.Reconstruct == nil {
		return fmt.Errorf("page: this model makes no images: it has no decoder; use --to onnx")
	}
	return nil
}

// loweredBytes is how many bytes Lower holds for a weight: that of the device, folded, in float64 while it is folded, and in
// the program.
const loweredBytes = 4 + 4 + 8 + 4

// Lower returns the functions of a model that a page has, folded and as a program. It fails for a model that draws no images
// of one or three channels. Of the same model with other weights the program is the same, and its weights are others.
func Lower(t *train.Trained) (*browser.Folded, *browser.Program, error) {
	m := t.Model()
	if err := Check(t.Item(), m); err != nil {
		return nil, nil, err
	}
	if err := memory.Check(loweredBytes*int64(nn.Count(m.Params)), "the weights of the model, to be folded"); err != nil {
		return nil, nil, err
	}
	var functions []browser.Function
	for _, f := range []browser.Function{{Name: decode, Build: m.Decode}, {Name: encode, Build: m.Encode}, {Name: reconstruct, Build: m.Reconstruct}, {Name: sample, Build: m.Sample}} {
		if f.Build != nil {
			functions = append(functions, f)
		}
	}
	folded, err := browser.Fold(functions, t.Runner().Get)
	if err != nil {
		return nil, nil, err
	}
	program, err := folded.Program()
	return folded, program, err
}

// labelNames returns the names of the labels of a conditional model.
func labelNames(t *train.Trained) []string {
	m := t.Model()
	if !m.TakesLabels.Decode && !m.TakesLabels.Sample {
		return []string{}
	}
	if names := t.Config.Data.Labels; len(names) == t.Input().Labels {
		return names
	}
	names := make([]string, t.Input().Labels)
	for i := range names {
		names[i] = fmt.Sprint(i)
	}
	return names
}
