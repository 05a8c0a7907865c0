package gallery

import (
	"slices"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/train/runlog"
	"github.com/imago-ml/imago/viz"
)

// Figures returns the metrics of the last epoch of a run, whose model is that of s, and the size of the run, in the words of
// its report.
func Figures(run *runlog.Run, s *latent.Session) ([]viz.KV, error) {
	log, err := run.Thinned(1)
	if err != nil {
		return nil, err
	}
	processes, err := run.Processes()
	if err != nil {
		return nil, err
	}
	f, _ := figures(&run.Config, s.Item(), runlog.Epochs(log.Lines), slices.Concat(validationMetrics, eval.Metrics()), nn.Count(s.Model().Params), seconds(processes))
	return f, nil
}
