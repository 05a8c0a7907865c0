package cli

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/vae"
)

// TestOwnKinds checks that commands find the kinds and the data sets that a program adds, and that errors name its
// flags.
func TestOwnKinds(t *testing.T) {
	network := vae.MLP{Hidden: []int{16}}
	kind, recipe := vae.Kind("own-vae", "a small VAE", func(model.Input) vae.Options {
		return vae.Options{Encoder: network, Decoder: network, Latent: 3}
	})
	add := func(r *Registry) {
		r.Models.Register(kind, recipe)
		r.Data.Register(data.Source{Name: "own-set", About: "a set of a program", Load: func(context.Context, data.Options) (*data.Set, error) { return nil, io.EOF }})
	}
	for _, tt := range []struct {
		args   string
		status int
		want   string
	}{
		{"summary own-vae", 0, "(None, 3)"},
		{"data list", 0, "own-set"},
		{"train own-vae --data own-set", 1, "EOF"},
		{"train own-vae --filters 8", 2, "own-vae has no option --filters"},
		{"summary other-vae", 2, "own-vae"},
	} {
		var out, errs bytes.Buffer
		status := run(t.Context(), strings.Fields(tt.args), &out, &errs, add)
		if all := out.String() + errs.String(); status != tt.status || !strings.Contains(all, tt.want) {
			t.Errorf("%s: exit status %d, want %d and %q:\n%s", tt.args, status, tt.status, tt.want, all)
		}
	}
}
