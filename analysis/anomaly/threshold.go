package anomaly

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/english"
)

// A Threshold is the score above which an image is called anomalous.
type Threshold struct {
	Value float64 `json:"value"`
	Rule  string  `json:"rule"` // how it was chosen, in words
}

// quantileSteps is the number of steps in which a detector keeps the distribution of a score.
const quantileSteps = 1000

// quantiles returns the values of a sample below which 0, 1/1000, … all of it lies.
func quantiles(values []float64) []float64 {
	sorted := slices.Sorted(slices.Values(values))
	out := make([]float64, quantileSteps+1)
	for k := range out {
		out[k] = interpolated(sorted, float64(k)/quantileSteps)
	}
	return out
}

// interpolated returns the value at part q of a sorted list, between its neighbours.
func interpolated(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := min(int(at), len(sorted)-1)
	j := min(i+1, len(sorted)-1)
	return sorted[i] + (at-float64(i))*(sorted[j]-sorted[i])
}

// Calibrate replaces the distributions of the scores, of which Quantile is a point, by those of
// other normal images. Images that the model was not trained on are best: the scores of its
// training images are lower than those of new ones.
func (d *Detector) Calibrate(ctx context.Context, held data.Items) error {
	scores, err := d.Score(ctx, held)
	if err != nil {
		return err
	}
	d.setQuantiles(scores, english.Plural(held.Len(), "held-out item"))
	return nil
}

// calibrateOnTraining sets the distributions of the scores to those of the training images with
// those features. The densities are fitted to half of the images and evaluated on the other
// half, and the other way round, if they are few: then a density follows its own points.
func (d *Detector) calibrateOnTraining(ctx context.Context, f features, train data.Items) error {
	scores, err := d.scores(f, train)
	if err != nil {
		return err
	}
	n := len(f.reconstruction)
	for _, s := range scores {
		var points []float32
		switch s.Name {
		case Density:
			points = f.codes
		case Combined:
			points = d.jointPoints(f)
		}
		if points == nil || n < 4 || n > crossFitted {
			continue
		}
		width := len(points) / n
		var halves [2][]float32
		for i := range n {
			halves[i%2] = append(halves[i%2], points[i*width:(i+1)*width]...)
		}
		for k := range halves {
			m, err := fitMixture(ctx, halves[k], width, d.Options)
			if err != nil {
				continue // points that are too few or all equal: their own density serves
			}
			logp, err := m.LogDensity(halves[1-k])
			if err != nil {
				return fmt.Errorf("anomaly: %w", err)
			}
			for j, v := range logp {
				s.Values[2*j+1-k] = -v
			}
		}
	}
	d.setQuantiles(scores, english.Plural(n, "training item"))
	return nil
}

// crossFitted is the most training images whose densities are fitted twice more.
const crossFitted = 2000

// setQuantiles sets the distributions of the scores to those of images; what says which.
func (d *Detector) setQuantiles(scores []Score, what string) {
	d.Quantiles, d.Calibrated = map[string][]float64{}, what
	for _, s := range scores {
		d.Quantiles[s.Name] = quantiles(s.Values)
	}
}

// Quantile returns the threshold of a score above which a part 1 − q of the training images
// lies, or of those of Calibrate. It fails if the detector has no such score or q is outside [0, 1].
func (d *Detector) Quantile(score string, q float64) (Threshold, error) {
	kept := d.Quantiles[score]
	if kept == nil || !(q >= 0 && q <= 1) {
		return Threshold{}, fmt.Errorf("anomaly: quantile %v of %s: want 0 to 1, of a score that the model has", q, score)
	}
	return Threshold{interpolated(kept, q), fmt.Sprintf("quantile %g of the scores of %s", q, d.Calibrated)}, nil
}

// SetThreshold keeps t as the threshold of a score, to be saved with the detector.
func (d *Detector) SetThreshold(score string, t Threshold) {
	if d.Thresholds == nil {
		d.Thresholds = map[string]Threshold{}
	}
	d.Thresholds[score] = t
}

// Threshold returns the threshold of a score: the one that was set, or else that of the
// quantile 0.99.
func (d *Detector) Threshold(score string) (Threshold, error) {
	if t, ok := d.Thresholds[score]; ok {
		return t, nil
	}
	return d.Quantile(score, 0.99)
}

// BestF1 returns the threshold at which F1, the harmonic mean of precision and recall, is
// highest on labelled images. It fails unless some are anomalous and some are not.
//
// values (N), anomalous (N).
func BestF1(values []float64, anomalous []bool) (Threshold, error) {
	all, err := countAnomalous(values, anomalous)
	if err != nil {
		return Threshold{}, err
	}
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return compareDescending(values[i], values[j]) })
	best, t, found := -1.0, 0.0, 0
	for k, i := range order {
		if anomalous[i] {
			found++
		}
		next := math.Inf(-1)
		if k+1 < len(order) {
			next = values[order[k+1]]
		}
		if next == values[i] { // a threshold is between two scores
			continue
		}
		if f1 := 2 * float64(found) / float64(k+1+all); f1 > best {
			best, t = f1, values[i]/2+next/2
			if math.IsInf(next, -1) {
				t = math.Nextafter(values[i], next)
			}
		}
	}
	return Threshold{t, fmt.Sprintf("best F1, %.3f, on %d labelled items", best, len(values))}, nil
}

// FalseAlarms returns the least threshold above which at most a part rate of the normal ones
// among labelled images lies. It fails unless some are anomalous and some are not, or if rate
// is outside [0, 1).
//
// values (N), anomalous (N).
func FalseAlarms(values []float64, anomalous []bool, rate float64) (Threshold, error) {
	if _, err := countAnomalous(values, anomalous); err != nil {
		return Threshold{}, err
	}
	if !(rate >= 0 && rate < 1) {
		return Threshold{}, fmt.Errorf("anomaly: false-alarm rate %v: want at least 0 and below 1", rate)
	}
	var normal []float64
	for i, v := range values {
		if !anomalous[i] {
			normal = append(normal, v)
		}
	}
	slices.SortFunc(normal, compareDescending)
	return Threshold{normal[int(rate*float64(len(normal)))], fmt.Sprintf("false-alarm rate %g on %d labelled items", rate, len(values))}, nil
}

// compareDescending orders numbers from the greatest on.
func compareDescending(a, b float64) int {
	switch {
	case a > b:
		return -1
	case a < b:
		return 1
	}
	return 0
}

// countAnomalous returns the number of anomalous images. It fails if that is none or all.
func countAnomalous(values []float64, anomalous []bool) (int, error) {
	k := 0
	for _, a := range anomalous {
		if a {
			k++
		}
	}
	if len(values) != len(anomalous) || k == 0 || k == len(values) {
		return 0, fmt.Errorf("anomaly: %d of %d labels for %d scores are anomalous: want some and not all, one a score", k, len(anomalous), len(values))
	}
	return k, nil
}
