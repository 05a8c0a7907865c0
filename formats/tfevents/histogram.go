package tfevents

import (
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// The fields of HistogramProto (tensorflow/core/framework/histogram.proto, in summary.proto of older versions).
const (
	valueHistogram = 5

	histogramMin     = 1
	histogramMax     = 2
	histogramCount   = 3
	histogramSum     = 4
	histogramSquares = 5
	histogramLimits  = 6
	histogramBuckets = 7
)

// histogramBins is the number of bins of a histogram, of equal width.
const histogramBins = 64

// Histogram records how the values of a tag are distributed at a step: their range in 64 bins of equal width. It fails if there
// are none, or one is not finite.
func (w *Writer) Histogram(step int64, tag string, values []float32) error {
	if len(values) == 0 {
		return fmt.Errorf("tfevents: histogram %q: no values", tag)
	}
	lo, hi, sum, squares := math.Inf(1), math.Inf(-1), 0.0, 0.0
	for i, v := range values {
		x := float64(v)
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Errorf("tfevents: histogram %q: value %d is %v", tag, i, v)
		}
		lo, hi, sum, squares = min(lo, x), max(hi, x), sum+x, squares+x*x
	}
	width := (hi - lo) / histogramBins
	bins := make([]float64, histogramBins)
	for _, v := range values {
		k := 0
		if width > 0 {
			k = min(int((float64(v)-lo)/width), histogramBins-1)
		}
		bins[k]++
	}
	var limits, buckets, h []byte
	for k, n := range bins {
		limit := lo + width*float64(k+1)
		if k == histogramBins-1 {
			limit = hi
		}
		limits = protowire.AppendFixed64(limits, math.Float64bits(limit))
		buckets = protowire.AppendFixed64(buckets, math.Float64bits(n))
	}
	for _, f := range [...]struct {
		num protowire.Number
		v   float64
	}{{histogramMin, lo}, {histogramMax, hi}, {histogramCount, float64(len(values))}, {histogramSum, sum}, {histogramSquares, squares}} {
		h = protowire.AppendTag(h, f.num, protowire.Fixed64Type)
		h = protowire.AppendFixed64(h, math.Float64bits(f.v))
	}
	h = appendBytes(h, histogramLimits, limits)
	h = appendBytes(h, histogramBuckets, buckets)
	var v []byte
	v = appendBytes(v, valueTag, tag)
	v = appendBytes(v, valueHistogram, h)
	return w.summary(step, v)
}
