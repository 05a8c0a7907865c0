package train

import (
	"fmt"
	"image"
	"slices"

	"github.com/imago-ml/imago/analysis/probe"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/viz"
)

const (
	classRows    = 12 // of the sheet of classes, at most
	classColumns = 10
)

// A row of the sheet of classes is one way to label all of its images.
type row struct {
	name   string
	labels []float32 // (K)
}

// rows returns the classes; of attributes those that most training images have, and then
// each of the first ones turned over.
func (a *artist) rows() ([]row, error) {
	names := a.set.LabelNames()
	k := len(names)
	if k != a.labels {
		return nil, fmt.Errorf("the model takes %d labels, and %s has %d", a.labels, a.set.Name, k)
	}
	var rows []row
	if len(a.set.Classes) > 0 {
		for c := range min(k, classRows) {
			r := row{names[c], make([]float32, k)}
			r.labels[c] = 1
			rows = append(rows, r)
		}
		return rows, nil
	}
	usual := row{"as most are", make([]float32, k)}
	have := make([]int, k)
	for i, v := range a.set.Train.Attributes {
		have[i%k] += int(v)
	}
	for c, n := range have {
		if 2*n > a.set.Train.Len() {
			usual.labels[c] = 1
		}
	}
	rows = append(rows, usual)
	for c := range min(k, classRows-1) {
		r := row{names[c], slices.Clone(usual.labels)}
		if r.labels[c] == 1 {
			r.name = "not " + names[c]
		}
		r.labels[c] = 1 - r.labels[c]
		rows = append(rows, r)
	}
	return rows, nil
}

// sheet draws the classes one a row, the same draws from the prior down a column.
// scale is the pixels a side that an image pixel takes, 0 as the sheet likes it.
func (a *artist) sheet(title string, scale int) (image.Image, error) {
	rows, err := a.rows()
	if err != nil {
		return nil, err
	}
	var pix []float32
	var names []string
	for _, r := range rows {
		// At the same key each is of the same draws.
		made, err := a.session.Sample(a.ctx, a.key().Split("classes"), classColumns, slices.Repeat(r.labels, classColumns))
		if err != nil {
			return nil, err
		}
		pix, names = append(pix, made...), append(names, r.name)
	}
	s := a.session.Item()
	return viz.Sheet(s, pix, len(rows), classColumns, viz.SheetOptions{Title: title, Rows: names, Scale: scale})
}

// foundRounds is how often as many images are drawn as the sheet of classes found has
// room for, until each row is full.
const foundRounds = 8

// found draws images that the model made in the row of the class that the model itself
// gives them; what a row lacks in the end is black.
func (a *artist) found() error {
	if a.session.Model().Classify == nil || !a.prior || a.labels > 0 {
		return nil
	}
	s := a.session.Item()
	var rows [][]float32 // images of each
	room := classRows * classColumns
	for round := range foundRounds {
		made, err := a.session.Sample(a.ctx, a.key().Split("found").At(uint64(round)), room, nil)
		if err != nil {
			return err
		}
		images, err := data.FromFloats(made, s)
		if err != nil {
			return err
		}
		p, k, err := a.session.Classify(a.ctx, images)
		if err != nil {
			return err
		}
		if rows == nil {
			rows = make([][]float32, min(k, classRows))
		}
		full := classColumns * s.Size()
		for i, c := range probe.Argmax(p, k) {
			if int(c) < len(rows) && len(rows[c]) < full {
				rows[c] = append(rows[c], made[i*s.Size():(i+1)*s.Size()]...)
			}
		}
		if !slices.ContainsFunc(rows, func(r []float32) bool { return len(r) < full }) {
			break
		}
	}
	var names []string
	pix := make([]float32, len(rows)*classColumns*s.Size())
	for c, r := range rows {
		copy(pix[c*classColumns*s.Size():], r)
		names = append(names, a.className(c))
	}
	img, err := viz.Sheet(s, pix, len(rows), classColumns, viz.SheetOptions{Title: "a class a row, as the model sees it: " + a.after(), Rows: names})
	if err != nil {
		return err
	}
	return a.write("found", img)
}

// className returns the name of a class of the model's own: that of the set if it was taught.
func (a *artist) className(c int) string {
	if a.session.Model().Supervision != nil && c < len(a.set.Classes) {
		return a.set.Classes[c]
	}
	return fmt.Sprintf("group %d", c)
}

// classes draws the sheet of a conditional model.
func (a *artist) classes() error {
	if a.labels == 0 {
		return nil
	}
	img, err := a.sheet("a class a row, a draw a column: "+a.after(), 0)
	if err != nil {
		return err
	}
	return a.write("classes", img)
}
