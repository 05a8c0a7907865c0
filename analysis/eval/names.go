package eval

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/imago-ml/imago/models/model"
)

var (
	// part matches the part of the data at the beginning of a metric's name.
	part = regexp.MustCompile(`^(best_)?(test\d*|validation|train)_`)
	// protocolWords match what says how it is measured: numbers of images, and the feature net.
	protocolWords = regexp.MustCompile(`_cnn\d+(-[0-9a-f]+)?|_on_\d+|_\d+`)
)

// stem returns the name of a metric without the part of the data and the protocol.
func stem(name string) string {
	return protocolWords.ReplaceAllString(part.ReplaceAllString(name, ""), "")
}

// Find returns the metric of the table that a name means, whatever the protocol and the part
// of the data in it: validation_fid_cnn1_500 is that of test_fid_…. Its Up and Describes say
// which values are good.
func Find(name string) (m Metric, found bool) {
	all, of := Metrics(), stem(name)
	i := slices.IndexFunc(all, func(m Metric) bool { return stem(m.Name) == of })
	if i < 0 {
		return Metric{}, false
	}
	return all[i], true
}

// Better returns "higher" or "lower", as a Record says which values are better.
func (m Metric) Better() string {
	if m.Up {
		return "higher"
	}
	return "lower"
}

// ByImportance orders the names of metrics, for slices.SortFunc: the loss and its terms on test
// images first, then the other metrics, and at last those of training images, each by the
// alphabet.
func ByImportance(a, b string) int {
	rank := func(name string) int {
		if strings.HasPrefix(name, "train_") {
			return 9
		}
		i := slices.Index([]string{model.Loss, model.Reconstruction, model.KL}, strings.TrimPrefix(name, "test_"))
		if i < 0 {
			return 8
		}
		return i
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
}
