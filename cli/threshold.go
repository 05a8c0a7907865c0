package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/anomaly"
	"github.com/imago-ml/imago/internal/english"
)

// thresholdFlags are the flags that say from which score on an item is called anomalous.
type thresholdFlags struct {
	rule       string
	save, fail bool
}

// addFlags declares the flags.
func (t *thresholdFlags) addFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&t.rule, "threshold", "", "score above which an item is anomalous: a number, quantile:Q of the scores of normal items, or of labelled items f1 (the best F1) or fpr:R (the false-alarm rate) (default that saved with the run, else quantile:0.99)")
	f.BoolVar(&t.save, "save-threshold", false, "save the threshold with the run, as the default of this score")
	f.BoolVar(&t.fail, "fail-on-anomaly", false, "end with exit status 3 if an item is anomalous")
}

// parse returns the kind of the rule, "" for the default, and its number.
func (t *thresholdFlags) parse() (kind string, v float64, err error) {
	if t.rule == "" || t.rule == "f1" {
		return t.rule, 0, nil
	}
	kind, number, named := strings.Cut(t.rule, ":")
	if !named {
		kind, number = "number", t.rule
	}
	v, err = strconv.ParseFloat(number, 64)
	share := v >= 0 && v <= 1
	switch {
	case err == nil && kind == "number" && v-v == 0, err == nil && kind == "quantile" && share, err == nil && kind == "fpr" && share && v < 1:
		return kind, v, nil
	}
	return "", 0, fmt.Errorf("--threshold %q: want a number, quantile:0.99, f1 or fpr:0.01", t.rule)
}

// choose returns the threshold of a score; anomalous says which items are, nil if that is not known.
func (t *thresholdFlags) choose(d *anomaly.Detector, score anomaly.Score, anomalous []bool) (anomaly.Threshold, error) {
	kind, v, err := t.parse()
	if err != nil {
		return anomaly.Threshold{}, err
	}
	switch kind {
	case "number":
		return anomaly.Threshold{Value: v, Rule: "--threshold"}, nil
	case "quantile":
		return d.Quantile(score.Name, v)
	case "":
		return d.Threshold(score.Name)
	}
	if anomalous == nil {
		return anomaly.Threshold{}, fmt.Errorf("--threshold %s is chosen on labelled items: say with --anomalous or --normal which are", t.rule)
	}
	if kind == "f1" {
		return anomaly.BestF1(score.Values, anomalous)
	}
	return anomaly.FalseAlarms(score.Values, anomalous, v)
}

// above reports for each item whether its score is above the threshold.
func above(score anomaly.Score, t anomaly.Threshold) []bool {
	out := make([]bool, len(score.Values))
	for i, v := range score.Values {
		out[i] = v > t.Value
	}
	return out
}

// printThreshold prints the threshold of a score and how many items are above it and, if it is known which are
// anomalous, the precision and the recall.
func (a *app) printThreshold(score anomaly.Score, t anomaly.Threshold, found, anomalous []bool, noun string) {
	k := countTrue(found)
	fmt.Fprintf(a.out, "threshold %.4g of %s (%s): %s of %s above it", t.Value, score.Name, t.Rule, thousands(k), english.Plural(len(found), noun))
	if anomalous != nil {
		right := 0
		for i := range found {
			if found[i] && anomalous[i] {
				right++
			}
		}
		if k > 0 {
			fmt.Fprintf(a.out, "; precision %.3f", float64(right)/float64(k))
		}
		fmt.Fprintf(a.out, "; recall %.3f", float64(right)/float64(countTrue(anomalous)))
	}
	fmt.Fprintln(a.out)
}

// errAnomaly is the cause of exit status 3: --fail-on-anomaly, and an item is anomalous.
var errAnomaly = errors.New("anomalous")
