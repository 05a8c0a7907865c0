package compare_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"maps"
	"math"

	"github.com/imago-ml/imago/analysis/compare"
	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/vae"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/train/runlog"
)

// An autoencoder and a variational one are compared by the pixels of their images, and the
// page is written to memory. Both have initial weights here.
func Example() {
	be := cpu.New(1)
	defer be.Close()
	in := model.Input{Item: pixels.Item(8, 8, 1)}
	side := func(name string, kind model.Kind) compare.Side {
		m, err := kind.Default().New(in)
		if err != nil {
			log.Fatal(err)
		}
		s, err := latent.Load(m, in, be, maps.Collect(nn.InitialValues(m.Params, rng.New(1))))
		if err != nil {
			log.Fatal(err)
		}
		return compare.Side{Name: name, Session: s, Config: runlog.Config{Recipe: kind.Name}, Beta: math.NaN()}
	}
	pix := make([]uint8, 40*in.Size())
	for i, p := range rng.New(1).Perm(len(pix)) {
		pix[i] = uint8(p)
	}
	images, err := data.NewInMemory(pix, 40, in.Item)
	if err != nil {
		log.Fatal(err)
	}
	set := &data.Set{Name: "noise", Train: data.Split{Items: images}, Test: data.Split{Items: images}}

	ae, _ := vae.MLPAE()
	v, _ := vae.MLPVAE()
	ctx := context.Background()
	c, err := compare.Measure(ctx, [2]compare.Side{side("ae", ae), side("vae", v)}, set, compare.Options{})
	if err != nil {
		log.Fatal(err)
	}
	var page bytes.Buffer
	if err := c.Page(ctx, &page, ""); err != nil {
		log.Fatal(err)
	}
	fmt.Println("distances of", c.Space)
	fmt.Println("codes drawn from the prior:", c.Sides[0].Prior, c.Sides[1].Prior)
	fmt.Println("HTML page:", bytes.Contains(page.Bytes(), []byte("<h1>ae and vae</h1>")))
	// Output:
	// distances of pixels
	// codes drawn from the prior: false true
	// HTML page: true
}
