package catalog

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/music"
	"github.com/imago-ml/imago/data/pianoroll"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/data/sound"
	"github.com/imago-ml/imago/data/table"
	"github.com/imago-ml/imago/data/text"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
)

// TestChoose has a set of each kind, and checks that the recipe takes it with the options.
func TestChoose(t *testing.T) {
	var models model.Registry
	Models(&models)
	photos := data.Look{N: 300, Channels: 3, Small: [2]int{120, 80}, Large: [2]int{4000, 3000}, Side: 600}
	images := func(n, h, w, c int) data.Look {
		return data.Look{N: n, Item: pixels.Item(h, w, c), Channels: c, Small: [2]int{w, h}, Large: [2]int{w, h}, Side: min(h, w)}
	}
	for _, tt := range []struct {
		look  data.Look
		given map[string]int
		want  string
	}{
		{photos, nil, "300 pictures in colour of 120x80 to 4000x3000 pixels: face-vae at 64x64, for 60 epochs in batches of 32: size 64 batch 32 epochs 60 flip true, 30 seconds"},
		{photos, map[string]int{"size": 32, "epochs": 5}, "300 pictures in colour of 120x80 to 4000x3000 pixels: face-vae at 32x32, for 5 epochs in batches of 32: batch 32 flip true, 10 seconds"},
		{images(200000, 218, 178, 3), nil, "200,000 pictures in colour of 178x218 pixels: face-vae at 64x64, for 10 epochs in batches of 64: size 64 batch 64 epochs 10 flip true, 44 minutes"},
		{images(50000, 32, 32, 3), nil, "50,000 pictures in colour of 32x32 pixels: face-vae for 10 epochs in batches of 64: batch 64 epochs 10 flip true, 3 minutes"},
		{images(2000, 28, 28, 1), nil, "2,000 pictures in grey of 28x28 pixels: cnn-vae for 60 epochs in batches of 64: batch 64 epochs 60 latent 16 loss bce, 30 seconds"},
		{images(70000, 28, 28, 1), nil, "70,000 pictures in grey of 28x28 pixels: cnn-vae for 5 epochs in batches of 128: batch 128 epochs 5 latent 16 loss bce, 80 seconds"},
		{images(40, 15, 15, 1), nil, "40 pictures in grey of 15x15 pixels: cnn-vae at 12x12, for 60 epochs in batches of 32: size 12 batch 32 epochs 60 latent 16 loss bce, 10 seconds"},
		{images(1965, 200, 300, 1), nil, "1,965 pictures in grey of 300x200 pixels: face-vae at 64x64, for 45 epochs in batches of 64: size 64 batch 64 epochs 45, 40 seconds"},
		{data.Look{N: 3000, Classes: 10, Item: sound.Item(8000, 96, 64), Channels: 1, Small: [2]int{64, 96}, Large: [2]int{64, 96}, Side: 64}, nil,
			"3,000 recordings of 10 classes, as clips of 1.02 s at 8000 samples a second: sound-cvae for 63 epochs in batches of 64: batch 64 epochs 63, 4 minutes"},
		{data.Look{N: 200, Item: sound.Item(16000, 96, 128), Channels: 1, Small: [2]int{128, 96}, Large: [2]int{128, 96}, Side: 96}, map[string]int{"epochs": 5},
			"200 recordings, as clips of 2.05 s at 16000 samples a second: face-vae for 5 epochs in batches of 32: batch 32 latent 64 loss gaussian sigma 0.15, 10 seconds"},
		{data.Look{N: 100000, Item: table.Item(make([]table.Column, 12))}, nil, "100,000 rows of 12 columns: mlp-vae for 20 epochs in batches of 128: batch 128 epochs 20 latent 3 loss sigma, 10 seconds"},
		{data.Look{N: 42000, Item: text.Item(text.Medium{Tokens: text.Words, Vocabulary: words(5000), Length: 60})}, nil, "42,000 texts of up to 60 tokens, of which 5002 differ: sentence-vae for 4 epochs in batches of 32: batch 32 epochs 4, 42 minutes"},
		{data.Look{N: 30000, Item: text.Item(text.Medium{Tokens: text.Characters, Vocabulary: words(26), Length: 15})}, nil, "30,000 texts of up to 15 tokens, of which 28 differ: char-vae for 8 epochs in batches of 128: batch 128 epochs 8, 2 minutes"},
		{data.Look{N: 9750, Item: music.Melody{Bars: 2, Low: 55, High: 88, Tempo: 500_000}.Item()}, nil, "9,750 phrases of up to 32 tokens, of which 36 differ: melody-vae for 25 epochs in batches of 128: batch 128 epochs 25, 6 minutes"},
		{data.Look{N: 17800, Item: music.Drums{Bars: 2, Tempo: 545_455}.Item()}, nil, "17,800 patterns of up to 32 tokens, of which 512 differ: melody-vae for 14 epochs in batches of 128: batch 128 epochs 14 shift 0, 6 minutes"},
		{data.Look{N: 229, Item: pianoroll.Item(160)}, nil, "229 pieces of up to 160 steps: roll-lstm for 300 epochs in batches of 10: batch 10 epochs 300, 2 minutes"},
	} {
		c := Choose(tt.look, tt.given)
		got := fmt.Sprintf("%s: %s %s:", c.What, c.Recipe, c.How)
		for _, o := range c.Options {
			got += fmt.Sprintf(" %s %s", o.Name, o.Value)
		}
		if got += ", " + c.Duration(); got != tt.want {
			t.Errorf("chosen\n%s, want\n%s", got, tt.want)
		}
		rec, err := models.Recipe(c.Recipe)
		if err != nil {
			t.Fatal(err)
		}
		cfg, err := models.Config(rec)
		if err != nil {
			t.Fatal(err)
		}
		item := tt.look.Item
		for _, o := range c.Options {
			for _, f := range model.Flags(cfg) {
				if f.Name == o.Name {
					if err := f.Set(o.Value); err != nil {
						t.Error(err)
					}
				}
			}
			if side := 0; o.Name == "size" {
				fmt.Sscan(o.Value, &side)
				item = pixels.Item(side, side, tt.look.Channels)
			}
		}
		if v := tt.given["size"]; v > 0 {
			item = pixels.Item(v, v, tt.look.Channels)
		}
		if _, err := cfg.New(model.Input{Item: item, Labels: tt.look.Classes}); err != nil {
			t.Errorf("%s for %v: %v", c.Recipe, item, err)
		}
	}
}

// words returns n different words.
func words(n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprint(i))
	}
	return all
}

func TestDoubts(t *testing.T) {
	for _, tt := range []struct {
		kind, config string
		item         medium.Item
		n            int
		want         string
	}{
		{"cnn-vae", `{"latent":2}`, pixels.Item(64, 64, 3), 300, "--Latent 2 holds little of a picture in colour of 64x64: the pictures become blurs of one hue; --Latent 64 suits, or the recipe face-vae"},
		{"cnn-vae", `{"latent":128}`, pixels.Item(64, 64, 3), 300, ""},
		{"cnn-vae", `{"latent":2}`, pixels.Item(28, 28, 1), 60000, ""},
		{"mlp-vae", `{"latent":2}`, table.Item(make([]table.Column, 5)), 300, ""},
		{"dcgan", `{"latent":100,"augment":"none"}`, pixels.Item(64, 64, 3), 50, "a GAN learns 50 items by heart in a few epochs: --Augment color,translation slows that for pictures, and a VAE, as face-vae, does with fewer"},
		{"dense-gan", `{"latent":100,"augment":"none"}`, table.Item(make([]table.Column, 5)), 50, "a GAN learns 50 items by heart in a few epochs: a VAE, as mlp-vae, does with fewer"},
		{"dcgan", `{"latent":100,"augment":"color"}`, pixels.Item(64, 64, 3), 50, ""},
		{"dcgan", `{"latent":100,"augment":"none"}`, pixels.Item(64, 64, 3), 5000, ""},
	} {
		got := ""
		for _, err := range Doubts(tt.kind, json.RawMessage(tt.config), tt.item, tt.n) {
			got += option.Text(err, func(field string) string { return "--" + field })
		}
		if got != tt.want {
			t.Errorf("%s %s on %v: %q, want %q", tt.kind, tt.config, tt.item, got, tt.want)
		}
	}
}
