package gallery

import (
	"context"
	"fmt"
	"image"
	"slices"

	"github.com/imago-ml/imago/analysis/probe"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/viz"
)

const (
	classRows    = 12 // of the sheet of classes, at most
	classColumns = 10 // at most
)

// A labelRow is labels that all images of a row have.
type labelRow struct {
	name   string
	labels []float32 // (K)
}

// labelRows returns the first classes of a set with k labels that have training images. If the labels are attributes, it
// returns those that most training images have, and then each of the first ones inverted. some says how many of how many
// they are; "" if they are all.
func labelRows(set *data.Set, k int) (rows []labelRow, some string, err error) {
	names := set.LabelNames()
	if k != len(names) {
		return nil, "", fmt.Errorf("the model takes %d labels, and %s has %d", k, set.Name, len(names))
	}
	if len(set.Classes) > 0 {
		present := make([]bool, k)
		for _, l := range set.Train.Labels {
			present[l] = true
		}
		n := 0
		for c := range k {
			if !present[c] && set.Train.Labels != nil {
				continue
			}
			if n++; n > classRows {
				continue
			}
			r := labelRow{names[c], make([]float32, k)}
			r.labels[c] = 1
			rows = append(rows, r)
		}
		return rows, firstOf(len(rows), n, "classes"), nil
	}
	frequent := labelRow{"most frequent", make([]float32, k)}
	counts := make([]int, k)
	for i, v := range set.Train.Attributes {
		counts[i%k] += int(v)
	}
	for c, n := range counts {
		if 2*n > set.Train.Len() {
			frequent.labels[c] = 1
		}
	}
	rows = append(rows, frequent)
	for c := range min(k, classRows-1) {
		r := labelRow{names[c], slices.Clone(frequent.labels)}
		if r.labels[c] == 1 {
			r.name = "not " + names[c]
		}
		r.labels[c] = 1 - r.labels[c]
		rows = append(rows, r)
	}
	return rows, firstOf(len(rows)-1, k, "attributes"), nil
}

// firstOf says that n of all are shown, "" if these are all.
func firstOf(n, all int, what string) string {
	if n == all {
		return ""
	}
	return fmt.Sprintf("the first %d of %d %s", n, all, what)
}

// classSheet returns images of each class in a row, the images of a column being drawn
// from the same noise. scale is the pixels a side that an image pixel takes, 0 for the
// default; maxPixels is those of the images together.
func (s *Snapshot) classSheet(ctx context.Context, title, note string, scale, maxPixels int) (image.Image, error) {
	rows, some, err := labelRows(s.set, s.labels)
	if err != nil {
		return nil, err
	}
	if note != "" && some != "" {
		note += ", " + some
	}
	columns := s.room(sheetSize/len(rows), 3, classColumns)
	var pix []float32
	var names []string
	for _, r := range rows {
		samples, err := s.session.Sample(ctx, s.Key("classes"), columns, slices.Repeat(r.labels, columns))
		if err != nil {
			return nil, err
		}
		pix, names = append(pix, samples...), append(names, r.name)
	}
	return viz.Sheet(s.session.Item(), pix, len(rows), columns, viz.SheetOptions{Title: title, Note: note, Rows: names, Scale: scale, MaxPixels: maxPixels})
}

// drawClasses returns the sheet of classes of a conditional model.
func drawClasses(ctx context.Context, s *Snapshot) (image.Image, error) {
	if s.labels == 0 {
		return nil, nil
	}
	title, note := s.words("samples of each class", "a class in each row, the same noise down each column")
	return s.classSheet(ctx, title, note, 0, 2*sheetSize)
}

// foundRounds is how many times images are drawn, as many as the sheet of classes has
// room for, until each row of the sheet of found classes is full.
const foundRounds = 8

// drawFoundClasses returns generated images in the row of the class that the model
// gives them. Places for which no image was drawn are black.
func drawFoundClasses(ctx context.Context, s *Snapshot) (image.Image, error) {
	if s.session.Model().Classify == nil || !s.hasPrior || s.labels > 0 {
		return nil, nil
	}
	item := s.session.Item()
	var rows [][]float32 // images of each class
	classes := 0
	columns := s.room(sheetSize/classRows, 3, classColumns)
	room := classRows * columns
	for round := range foundRounds {
		samples, err := s.session.Sample(ctx, s.Key("found").At(uint64(round)), room, nil)
		if err != nil {
			return nil, err
		}
		images, err := data.FromFloats(samples, item)
		if err != nil {
			return nil, err
		}
		p, k, err := s.session.Classify(ctx, images)
		if err != nil {
			return nil, err
		}
		classes = k
		if rows == nil {
			rows = make([][]float32, min(k, classRows))
		}
		full := columns * item.Size()
		for i, c := range probe.Argmax(p, k) {
			if int(c) < len(rows) && len(rows[c]) < full {
				rows[c] = append(rows[c], samples[i*item.Size():(i+1)*item.Size()]...)
			}
		}
		if !slices.ContainsFunc(rows, func(r []float32) bool { return len(r) < full }) {
			break
		}
	}
	var names []string
	pix := make([]float32, len(rows)*columns*item.Size())
	for c, r := range rows {
		copy(pix[c*columns*item.Size():], r)
		names = append(names, s.className(c))
	}
	title, note := s.words("samples by the class that the model finds in them", firstOf(len(rows), classes, "classes"), "black: too few samples were of that class")
	return viz.Sheet(item, pix, len(rows), columns, viz.SheetOptions{Title: title, Note: note, Rows: names, MaxPixels: 2 * sheetSize})
}

// className returns the name of a class that the model finds: that of the set if the
// model was trained with labels.
func (s *Snapshot) className(c int) string {
	if s.session.Model().Supervision != nil && c < len(s.set.Classes) {
		return s.set.Classes[c]
	}
	return fmt.Sprintf("group %d", c)
}
