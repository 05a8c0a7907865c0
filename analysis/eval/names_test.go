package eval

import (
	"slices"
	"strings"
	"testing"
)

// TestFind checks that a name means the metric of the table, whatever its protocol, and that
// every metric finds itself.
func TestFind(t *testing.T) {
	for name, want := range map[string]string{
		"test_loss": "higher: false", "validation_loss": "higher: false", "train_loss": "higher: false", "loss": "higher: false", "best_test_loss": "higher: false", "test500_loss": "higher: false",
		"validation_precision_cnn1-7b09b6ba_500": "higher: true", "test_fid_cnn1_50": "higher: false", "test_fid_cnn1-0123abcd_50_mixture10": "higher: false",
		"test_nll_is_5000": "higher: false", "test_nll_is_10_on_20": "higher: false", "test_memorised_pixels_40": "higher: false",
		"test_kl": "describes", "d_accuracy": "describes", "test_active_units": "describes", "mode_kl_cnn1_30": "higher: false", "spread": "none", "lossy": "none",
	} {
		got := "none"
		if m, ok := Find(name); ok && m.Describes {
			got = "describes"
		} else if ok {
			got = "higher: " + map[string]string{"higher": "true", "lower": "false"}[m.Better()]
		}
		if got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	for _, p := range []Protocol{DefaultProtocol(), PublishedProtocol(), {NLLSamples: 3, Generated: 20, Images: 50}} {
		for _, m := range p.Metrics() {
			if f, ok := Find(m.Name); !ok || f.Up != m.Up || f.Describes != m.Describes || stem(f.Name) != stem(m.Name) {
				t.Errorf("%s is found as %s", m.Name, f.Name)
			}
		}
	}
}

func TestByImportance(t *testing.T) {
	names := []string{"train_loss", "validation_loss", "test_mse", "test_kl", "test_loss", "best_test_loss", "test_reconstruction", "train_kl"}
	slices.SortFunc(names, ByImportance)
	if got, want := strings.Join(names, " "), "test_loss test_reconstruction test_kl best_test_loss test_mse validation_loss train_kl train_loss"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
