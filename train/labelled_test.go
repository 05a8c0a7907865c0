package train

import (
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/runtest"
	"github.com/imago-ml/imago/models/model"
)

// semi returns a model of which nothing is asked but what it wants of labels.
func semi(want model.Supervision) *model.Model { return &model.Model{Supervision: &want} }

func TestLabelled(t *testing.T) {
	set := runtest.Must(runtest.Small(200, 10))
	choose := func(count, batch int, seed uint64) *labelledItems {
		return runtest.Must(chooseLabelled(semi(model.Supervision{Count: count, Batch: batch, Seed: seed}), set, 3))
	}
	l := choose(34, 5, 1)
	counts := make([]int, 10)
	for _, i := range l.index {
		counts[set.Train.Labels[i]]++
	}
	sorted := slices.Sorted(slices.Values(l.index))
	if want := []int{4, 4, 4, 4, 3, 3, 3, 3, 3, 3}; !slices.Equal(counts, want) || len(slices.Compact(sorted)) != 34 {
		t.Errorf("%v of the classes, want %v; images %v", counts, want, sorted)
	}
	if !slices.Equal(l.index, choose(34, 5, 1).index) || slices.Equal(l.index, choose(34, 5, 2).index) {
		t.Error("the seed, and nothing else, chooses")
	}
	// 34 steps of 5 are five passes, each over all.
	var used []int32
	for step := range int64(34) {
		got, alone := make([]int32, 5), make([]int32, 5)
		l.choose(step, got)
		choose(34, 5, 1).choose(step, alone)
		if !slices.Equal(got, alone) {
			t.Errorf("step %d takes %v, or %v if it is the first", step, got, alone)
		}
		used = append(used, got...)
	}
	for p := range 5 {
		if pass := used[34*p : 34*(p+1)]; !slices.Equal(slices.Sorted(slices.Values(pass)), sorted) || p > 0 && slices.Equal(pass, used[:34]) {
			t.Errorf("pass %d is %v", p, pass)
		}
	}
	if l, err := chooseLabelled(&model.Model{}, set, 3); l != nil || err != nil {
		t.Errorf("a model that wants none: %v, %v", l, err)
	}
}

func TestLabelledErrors(t *testing.T) {
	set := runtest.Must(runtest.Small(200, 10))
	unlabelled := *set
	unlabelled.Classes, unlabelled.Train.Labels, unlabelled.Test.Labels = nil, nil, nil
	for want, tt := range map[string]struct {
		set *data.Set
		model.Supervision
	}{
		"those of few digits are not known":                           {&unlabelled, model.Supervision{Count: 10, Batch: 1}},
		"has 20 images of class 0 to train on, and 205 labelled imag": {set, model.Supervision{Count: 205, Batch: 1}},
		"9 labelled images, 1 a step: want at least one of each":      {set, model.Supervision{Count: 9, Batch: 1}},
		"20 labelled images, 21 a step":                               {set, model.Supervision{Count: 20, Batch: 21}},
		"20 labelled images, 0 a step":                                {set, model.Supervision{Count: 20}},
	} {
		if err := CheckData(semi(tt.Supervision), tt.set); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// Labelled images come with their labels beside every batch, which of them depending
// on the step alone.
func TestLabelledFeed(t *testing.T) {
	const n, size = 24, 10 // three steps an epoch
	images := numbered(n)
	set := &data.Set{Name: "numbers", Classes: []string{"even", "odd"}, Train: data.Split{Items: images}}
	for i := range n {
		set.Train.Labels = append(set.Train.Labels, int32(i%2))
	}
	l := runtest.Must(chooseLabelled(semi(model.Supervision{Count: 8, Batch: 3}), set, 5))
	f := startFeed(t, feedConfig{images: set.Labelled(set.Train), batchSize: size, seed: 5, epoch: 1, at: 10, epochs: 3, labelled: l})
	defer f.stop()
	want := runtest.Must(chooseLabelled(semi(model.Supervision{Count: 8, Batch: 3}), set, 5))
	for step := int64(4); step < 9; step++ {
		b, index := f.next(), make([]int32, 3)
		want.choose(step, index)
		if b.err != nil || b.x.F32()[0] != float32(b.index[0])/255 {
			t.Fatalf("step %d: %v", step, b.err)
		}
		for j, i := range index {
			x, y := b.labelledX.F32()[j*200*200:][:200*200], b.labelledY.F32()[2*j:][:2]
			if v := float32(i) / 255; slices.Min(x) != v || slices.Max(x) != v || y[i%2] != 1 || y[1-i%2] != 0 {
				t.Errorf("step %d: labelled image %d is %v, %v, want image %d", step, j, 255*x[0], y, i)
			}
		}
		f.release(b)
	}
}
