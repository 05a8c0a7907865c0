package folder

import (
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/realdata"
)

// BenchmarkDecode decodes 5,000 JPEGs of 178x218 from the page cache, crops and resizes
// them to 64x64, on all processors.
func BenchmarkDecode(b *testing.B) {
	list, err := data.ListImages(realdata.Path(b, "celeba/img_align_celeba.zip"))
	if err != nil {
		b.Fatal(err)
	}
	defer list.Close()
	entries := list.Files
	const side, c = 64, 3
	o := data.Decoding{Files: entries, H: side, W: side, C: c}
	pix := make([]uint8, len(entries)*side*side*c)
	b.ReportAllocs()
	for b.Loop() {
		err := data.Parallel(b.Context(), len(entries), func(i int) error {
			return o.At(i, pix[i*side*side*c:][:side*side*c])
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(entries))/b.Elapsed().Seconds(), "images/s")
}
