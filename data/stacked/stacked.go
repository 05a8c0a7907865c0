// Package stacked makes sets of many modes out of sets of grey images: each of the
// three channels of an image is an image of the other set, drawn independently. Ten
// classes become 1,000, so that the modes a model leaves out can be counted: a
// classifier of the single channels assigns each sample to one of them.
//
// Of MNIST it makes the stacked MNIST of Metz et al. 2017 (Unrolled GANs,
// arXiv:1611.02163, sec. 3.3.1), with 1,000 modes. Published figures are numbers of
// modes found among 26,000 samples (VEEGAN, arXiv:1705.07761; PacGAN,
// arXiv:1712.04086). Which digits were stacked has never been published: every
// implementation draws them anew.
//
// The package must not know any file: it composes an image when it is read.
package stacked

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/rng"
)

const (
	// Prefix comes before the name of the set that is stacked.
	Prefix = "stacked-"

	channels = 3

	// seed is fixed, as data.Options.Seed has no part in sets known by name.
	seed = 1
)

// Source returns the stacked set of another set, whose images must be grey and have
// classes. Each part has as many images as the same part of the other set and is
// composed of that part alone. The files are those of the other set.
func Source(of data.Source) data.Source {
	s := of
	s.Name = Prefix + of.Name
	s.About = fmt.Sprintf("three images of %s, drawn at random, as the channels of each: as many images, every triple of classes a class (Metz et al. 2017)", of.Name)
	s.Load = func(ctx context.Context, opt data.Options) (*data.Set, error) {
		set, err := of.Load(ctx, opt)
		if err != nil {
			return nil, err
		}
		return stack(s.Name, set)
	}
	return s
}

// stack returns the stacked set of another. The class of an image whose channels have
// the classes a, b and c of k, in this order, is (a·k + b)·k + c.
func stack(name string, of *data.Set) (*data.Set, error) {
	out := &data.Set{
		Name:     name,
		Channels: of,
		Classes:  classes(of.Classes),
		Digest:   fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%s stacked by %d", of.Digest, seed))),
	}
	key := rng.New(seed).Split("stacked")
	for _, p := range []struct {
		name     string
		from, to *data.Split
	}{{"train", &of.Train, &out.Train}, {"test", &of.Test, &out.Test}} {
		n := p.from.Len()
		if _, _, c, err := medium.HWC(p.from.Items.Item()); err != nil || c != 1 || len(p.from.Labels) != n {
			return nil, fmt.Errorf("stacked: %s: %d channels and %d labels for %d %s images, want one channel and a label each", of.Name, c, len(p.from.Labels), n, p.name)
		}
		t := &triples{of: p.from.Items, which: draw(key.Split(p.name), n)}
		p.to.Items, p.to.Labels = t, make([]int32, n)
		for i, w := range t.which {
			for _, at := range w {
				p.to.Labels[i] = p.to.Labels[i]*int32(len(of.Classes)) + p.from.Labels[at]
			}
		}
	}
	return out, nil
}

// classes returns the names of all triples: "000" to "999" for digits, joined by + if a
// name is longer than one letter.
func classes(of []string) []string {
	between := ""
	if slices.ContainsFunc(of, func(name string) bool { return len(name) != 1 }) {
		between = "+"
	}
	all := []string{""}
	for i := range channels {
		var next []string
		for _, name := range all {
			for _, c := range of {
				if i > 0 {
					c = strings.Join([]string{name, c}, between)
				}
				next = append(next, c)
			}
		}
		all = next
	}
	return all
}

// draw returns the indices of the channels of n images, each drawn uniformly and
// independently from n images, up to n/2³².
func draw(key rng.Key, n int) [][channels]int32 {
	words := make([]uint32, n*channels)
	key.Bits(words)
	all := make([][channels]int32, n)
	for i, w := range words {
		all[i/channels][i%channels] = int32(uint64(w) * uint64(n) >> 32)
	}
	return all
}

// triples are images composed of the images of another set.
type triples struct {
	of    data.Items
	which [][channels]int32
	spare sync.Pool // of *[]uint8, for an image of the other set
}

func (t *triples) Len() int { return len(t.which) }

func (t *triples) Item() medium.Item {
	of := t.of.Item().Shape
	return pixels.Item(of[0], of[1], channels)
}

func (t *triples) At(i int, dst []uint8) error {
	item := t.Item()
	if i < 0 || i >= len(t.which) {
		return fmt.Errorf("stacked: image %d of %d", i, len(t.which))
	}
	if len(dst) < item.Size() {
		return fmt.Errorf("stacked: %d bytes of room for an image of %v", len(dst), item)
	}
	one, _ := t.spare.Get().(*[]uint8)
	if one == nil {
		b := make([]uint8, item.Size()/channels)
		one = &b
	}
	defer t.spare.Put(one)
	for channel, at := range t.which[i] {
		if err := t.of.At(int(at), *one); err != nil {
			return err
		}
		for k, v := range *one {
			dst[k*channels+channel] = v
		}
	}
	return nil
}
