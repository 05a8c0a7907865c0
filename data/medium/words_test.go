package medium

import "testing"

// A worded medium has words of its own.
type worded struct {
	Medium
	noun, value string
}

func (w worded) Noun() string      { return w.noun }
func (w worded) ValueNoun() string { return w.value }

func TestReword(t *testing.T) {
	row, sound, image := Item{Medium: worded{noun: "row", value: "value"}}, Item{Medium: worded{noun: "utterance", value: "sample"}}, Item{Medium: worded{noun: "image", value: "pixel"}}
	for text, want := range map[string][3]string{ // of row, sound, and of an item without a medium
		"Σ_pixels BCE(x, x̂), nats per image": {"Σ_values BCE(x, x̂), nats per row", "Σ_samples BCE(x, x̂), nats per utterance", "Σ_values BCE(x, x̂), nats per item"},
		"nats/image":                          {"nats/row", "nats/utterance", "nats/item"},
		"an image, its pixels; An image's":    {"a row, its values; A row's", "an utterance, its samples; An utterance's", "an item, its values; An item's"},
		"each pixel of a pixel":               {"each value of a value", "each sample of a sample", "each value of a value"},
		"Images, the mean image of images.":   {"Rows, the mean row of rows.", "Utterances, the mean utterance of utterances.", "Items, the mean item of items."},
		"a mean image":                        {"a mean row", "a mean utterance", "a mean item"},
		"--pixels, {Pixels}, memorised_pixels_40, imagery, images_per_s, --measure-images": {"--pixels, {Pixels}, memorised_pixels_40, imagery, images_per_s, --measure-images",
			"--pixels, {Pixels}, memorised_pixels_40, imagery, images_per_s, --measure-images", "--pixels, {Pixels}, memorised_pixels_40, imagery, images_per_s, --measure-images"},
		"": {"", "", ""},
	} {
		for i, it := range []Item{row, sound, {}} {
			if got := Reword(it, text); got != want[i] {
				t.Errorf("%q of %s: %q, want %q", text, Noun(it), got, want[i])
			}
		}
		if got := Reword(image, text); got != text {
			t.Errorf("%q of images: %q", text, got)
		}
	}
}
