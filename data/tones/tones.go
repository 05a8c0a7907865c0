// Package tones draws short sounds, so that imago has a set of recordings without a file or
// a network connection: six drums and four instruments that hold a pitch.
//
// A sound is synthesised from a random key of its own (voices.go): its pitch, its length and
// its timbre differ, its class is known. The set has 3,000 training and 300 test clips of
// half a second, as the medium of package data/sound has them, all classes equally often.
//
// A clip depends on its key alone, not on the number of threads. Another kind of processor
// may round a level differently. Use Source to register the set. The package must not know
// any model or use the network.
package tones

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/sound"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/formats/audio"
)

// The set. Its seed is fixed: it is one set.
const (
	Name   = "tones"
	NTrain = 3000
	NTest  = 300
	Rate   = 16_000 // samples a second
	Bands  = 64     // of an item
	Frames = 32     // of an item

	seed    = 1
	version = 1 // changes with any change of the sounds
)

// Source returns the set for data.Registry.Register. It is drawn, so there is nothing to
// download or verify.
func Source() data.Source {
	return data.Source{
		Name:  Name,
		About: "short sounds made by imago itself: 3,000 + 300 clips of 0.5 s, six drums and four instruments; nothing to download",
		Load:  load,
	}
}

// load loads the set: see data.Source.Load. Its digest is that of its name and version, so
// that a run opens on each kind of processor.
func load(ctx context.Context, opt data.Options) (*data.Set, error) {
	if err := opt.Validate(); err != nil {
		return nil, err
	}
	set := &data.Set{Name: Name, Digest: fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%s %d", Name, version)))}
	for _, v := range voices {
		set.Classes = append(set.Classes, v.name)
	}
	key := rng.New(seed).Split(Name)
	for _, p := range []struct {
		name string
		*data.Split
		n int
	}{{"train", &set.Train, NTrain}, {"test", &set.Test, NTest}} {
		if err := draw(ctx, key.Split(p.name), p.n, p.Split); err != nil {
			return nil, err
		}
	}
	return set, nil
}

// draw fills a part of the set with n clips and their labels.
func draw(ctx context.Context, key rng.Key, n int, part *data.Split) error {
	item := sound.Item(Rate, Bands, Frames)
	m, size := item.Medium.(sound.Medium), item.Size()
	levels := make([]uint8, n*size)
	part.Labels = make([]int32, n)
	err := data.Parallel(ctx, n, func(i int) error {
		part.Labels[i] = int32(i % len(voices))
		copy(levels[i*size:], m.Levels(audio.Clip{Samples: play(i%len(voices), key.At(uint64(i))), Rate: Rate}))
		return nil
	})
	if err != nil {
		return err
	}
	part.Items, err = data.NewInMemory(levels, n, item)
	return err
}

// play returns the samples of a sound of that class.
func play(class int, key rng.Key) []float32 {
	x := make([]float64, Frames*Rate*16/1000)
	voices[class].play(x, key)
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = float32(v)
	}
	return out
}
