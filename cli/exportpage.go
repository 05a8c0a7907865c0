package cli

import (
	"context"
	"fmt"

	"github.com/imago-ml/imago/export"
	"github.com/imago-ml/imago/export/page"
	"github.com/imago-ml/imago/train"
)

// checkPage returns an error for options that a page does not have.
func checkPage(o *exportOptions) error {
	if o.networks != nil {
		return fmt.Errorf("--networks is not for --to html: a page has what its model can do")
	}
	if o.precision != exportPrecisions[0] {
		return fmt.Errorf("--precision %s is not for --to html: a page has float16 by itself where that changes no picture", o.precision)
	}
	return nil
}

// writePage writes the page of a model.
func writePage(ctx context.Context, t *train.Trained, o *exportOptions) ([]export.Written, error) {
	w, err := page.Write(ctx, t, o.out)
	if err != nil {
		return nil, err
	}
	return []export.Written{w}, nil
}
