package terminal

import (
	"fmt"
	"math"
	"strings"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train/runlog"
)

// epochText returns the line of an epoch:
//
//	epoch 3/10  loss 161.2 (recon 155.9 + KL 5.3)  test 159.6 (154.1 + 5.5)  12,345 images/s  4.9 s
//	epoch 3/10  [D loss 0.130, acc. 96.2 %] [G loss 3.39]  12,345 images/s  4.9 s
func epochText(l runlog.Line, epochs int) string {
	var b strings.Builder
	b.WriteString(epochTitle(l.Epoch, epochs, l.Phase))
	if l.Partial {
		b.WriteString(", cut at step " + english.Thousands(float64(l.Step)))
	}
	b.WriteString("  ")
	if d, ok := l.Train[model.DLoss]; ok {
		accuracy := ""
		if v, ok := l.Train[model.DAccuracy]; ok { // a critic has none
			accuracy = fmt.Sprintf(", acc. %.1f %%", 100*v)
		}
		fmt.Fprintf(&b, "[D loss %.3f%s] [G loss %.2f]", d, accuracy, l.Train[model.GLoss])
	} else {
		b.WriteString("loss " + trainTerms.text(l.Train))
	}
	if _, ok := l.Validation[validationTerms.loss]; ok {
		b.WriteString("  validation " + validationTerms.text(l.Validation))
	}
	if _, ok := l.Test[eval.TestLoss]; ok {
		b.WriteString("  test " + testTerms.text(l.Test))
	}
	fmt.Fprintf(&b, "  %s images/s  %.1f s", english.Thousands(l.ImagesPerSec), l.Seconds)
	return b.String()
}

// intervalText returns the line of an interval, with the values at its last step. That
// of a GAN has the form in which GANs are published:
//
//	1000 [D loss: 0.130, acc.: 96.0%] [G loss: 3.39]
//	step 1,000  loss 161.2 (recon 155.9 + KL 5.3)
func intervalText(l runlog.Line) string {
	if d, ok := l.LastStep[model.DLoss]; ok {
		accuracy := ""
		if v, ok := l.LastStep[model.DAccuracy]; ok { // a critic has none
			accuracy = fmt.Sprintf(", acc.: %.1f%%", 100*v)
		}
		return fmt.Sprintf("%d [D loss: %.3f%s] [G loss: %.2f]", l.Step, d, accuracy, l.LastStep[model.GLoss])
	}
	phase := ""
	if l.Phase != "" {
		phase = " " + l.Phase
	}
	return fmt.Sprintf("step %s%s  loss %s", english.Thousands(float64(l.Step)), phase, trainTerms.text(l.LastStep))
}

// epochTitle returns epoch 3/10, or epoch 3/10 pretrain.
func epochTitle(epoch, epochs int, phase string) string {
	s := fmt.Sprintf("epoch %d/%d", epoch, epochs)
	if phase != "" {
		s += " " + phase
	}
	return s
}

// terms are the names of a loss and its two terms, and how the terms are labelled.
type terms struct{ loss, reconstruction, kl, reconstructionLabel, klLabel string }

var (
	trainTerms = terms{model.Loss, model.Reconstruction, model.KL, "recon ", "KL "}
	testTerms  = terms{eval.TestLoss, "test_reconstruction", "test_kl", "", ""}

	validationTerms = terms{"validation_loss", "validation_reconstruction", "validation_kl", "", ""}
)

// text returns the loss and, if it has both, its terms: with a + if they add up to it,
// with a comma if the KL is weighted.
func (t terms) text(m map[string]float64) string {
	s := fmt.Sprintf("%.1f", m[t.loss])
	r, hasReconstruction := m[t.reconstruction]
	k, hasKL := m[t.kl]
	if !hasReconstruction || !hasKL {
		return s
	}
	joint := ", "
	if math.Abs(r+k-m[t.loss]) <= 1e-3*math.Abs(m[t.loss]) {
		joint = " + "
	}
	return fmt.Sprintf("%s (%s%.1f%s%s%.1f)", s, t.reconstructionLabel, r, joint, t.klLabel, k)
}
