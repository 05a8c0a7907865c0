package live

import (
	"testing"

	"github.com/imago-ml/imago/train"
)

// BenchmarkUnwatched is what the observer adds to a step that nobody watches.
func BenchmarkUnwatched(b *testing.B) {
	o := New()
	for b.Loop() {
		o.Step(nil, train.Step{})
	}
}
