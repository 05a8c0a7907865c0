package gan

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/graph/graphtest"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/update"
	"github.com/imago-ml/imago/nn"
)

var (
	mnist = pixels.Item(28, 28, 1)
	faces = pixels.Item(64, 64, 3)
	small = pixels.Item(4, 8, 3)
)

// tiny returns small models of all kinds.
func tiny(t *testing.T) map[string]testModel {
	t.Helper()
	return map[string]testModel{
		"dense-gan":  newModel(t, small, DenseGAN, "latent", "3", "hidden", "5"),
		"dcgan":      newModel(t, small, dcgan, "latent", "3", "filters", "3,4"),
		"resnet-gan": newModel(t, small, ResNetGAN, "latent", "3", "filters", "3,4", "loss", "non-saturating"),
		"cgan":       newModel(t, small, CGAN, "latent", "3", "filters", "3,4", "embedding", "2"),
		"infogan":    newModel(t, small, InfoGAN, "latent", "5", "filters", "3,4", "info-codes", "2", "info-classes", "2", "dense", "4"),
		"vae-gan":    newModel(t, small, VAEGAN, "latent", "3", "filters", "3,4"),
	}
}

// dcgan returns kind dcgan with the first of its recipes.
func dcgan() (model.Kind, model.Recipe) {
	k, r, _ := DCGAN()
	return k, r
}

// A testModel is a model with what it was declared from.
type testModel struct {
	*model.Model
	inner *adversary
}

// newModel returns the model of a kind, of images with one of three labels.
func newModel(t *testing.T, img medium.Item, kind func() (model.Kind, model.Recipe), options ...string) testModel {
	t.Helper()
	c := configured(t, kind, options...).(interface {
		build(in model.Input) (*adversary, error)
	})
	m, err := c.build(model.Input{Item: img, Labels: 3})
	if err != nil {
		t.Fatal(err)
	}
	return testModel{m.model, m}
}

// flagText returns the message of err with its fields named as flags, as the command line has it.
func flagText(c model.Config, err error) string {
	flags := map[string]string{"LR": "--lr", "Data": "--data", "Size": "--size", "Batch": "--batch"}
	for _, f := range model.Flags(c) {
		flags[f.Field] = "--" + f.Name
	}
	return option.Text(err, func(field string) string { return flags[field] })
}

// configured returns the configuration of a kind with options set, as --name value.
func configured(t *testing.T, kind func() (model.Kind, model.Recipe), options ...string) model.Config {
	t.Helper()
	k, _ := kind()
	c := k.Default()
	for i := 0; i < len(options); i += 2 {
		found := false
		for _, f := range model.Flags(c) {
			if f.Name == options[i] {
				found = true
				if err := f.Set(options[i+1]); err != nil {
					t.Fatal(err)
				}
			}
		}
		if !found {
			t.Fatalf("%s has no option --%s", k.Name, options[i])
		}
	}
	return c
}

// startStates returns a model's first values, the weights made larger so that no
// logit is near 0.
func startStates(m testModel) map[string]graph.Value {
	st := map[string]graph.Value{}
	for k, p := range m.Params {
		v := make(graph.Value, p.Shape.Size())
		for i, x := range p.Draw(rng.New(uint64(k))).F32() {
			v[i] = float64(x)
			if len(p.Shape) > 1 {
				v[i] = float64(float32(0.6 * math.Sin(1.7*float64(i)+float64(k))))
			}
		}
		st[p.Name] = v
	}
	for _, s := range m.Slots {
		v := make(graph.Value, s.Shape.Size())
		for i := range v {
			v[i] = float64(s.Value)
		}
		st[s.Name] = v
	}
	return st
}

// batch returns b images, of weight 1 and with a label each, and a key.
func batch(b int, img medium.Item, lr float64) map[string]graph.Value {
	in := map[string]graph.Value{
		model.InputX:      graphtest.Uniform(rng.New(3), 0, 1, b*img.Size()).Value,
		model.InputWeight: make(graph.Value, b), model.InputLR: {lr},
		model.InputKey: graphtest.KeyWords(rng.New(7)).Value,
	}
	in[model.InputLabels] = make(graph.Value, 3*b)
	for i := range in[model.InputWeight] {
		in[model.InputWeight][i] = 1
		in[model.InputLabels][3*i+i%3] = 1
	}
	return in
}

// run gives the outputs of f by name.
func run(t *testing.T, f *graph.Func, err error, in, states map[string]graph.Value) map[string]graph.Value {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	out, err := graph.Interp(f, graph.Env{Inputs: in, States: states})
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]graph.Value{}
	for i, o := range f.Outputs {
		byName[o.Name] = out[i]
	}
	return byName
}

func trainFunc(t *testing.T, m testModel, b int) *graph.Func {
	t.Helper()
	f, err := m.Phases[0].Step(b)
	if err != nil || len(m.Phases) != 1 {
		t.Fatalf("the step of one of %d phases: %v; want one", len(m.Phases), err)
	}
	return f
}

// near reports whether a and b agree to tol, absolute and relative; NaN does not.
func near(a, b, tol float64) bool { return math.Abs(a-b) <= tol*max(1, math.Abs(b)) }

func TestPublishedParameterCounts(t *testing.T) {
	for _, c := range []struct {
		kind                     func() (model.Kind, model.Recipe)
		img                      medium.Item
		generator, discriminator int
	}{
		{DenseGAN, mnist, 114_064, 100_609},
		{dcgan, faces, 3_576_704, 2_765_568}, // as PyTorch's example
	} {
		m := newModel(t, c.img, c.kind)
		nets := m.Networks
		if len(nets) != 3 || nets[0].Params() != c.generator || nets[1].Params() != c.discriminator {
			t.Errorf("%v: %v has parameters %d + %d, want %d + %d", c.img, nets[2].Name, nets[0].Params(), nets[1].Params(), c.generator, c.discriminator)
		}
		if n := nn.Count(m.Params); n != c.generator+c.discriminator || nets[2].Params() != n {
			t.Errorf("%v: %d parameters declared, %d drawn", nets[2].Name, n, nets[2].Params())
		}
	}
}

// The layers of DCGAN, with the published starting values.
func TestLayersOfDCGAN(t *testing.T) {
	m := newModel(t, faces, dcgan)
	var b strings.Builder
	for _, n := range m.Networks {
		for _, l := range n.Layers {
			fmt.Fprintln(&b, n.Name, l.Kind, l.Out[1:], l.Params)
		}
	}
	const want = `generator InputLayer [100] 0
generator Dense [8192] 819200
generator Reshape [4,4,512] 0
generator BatchNormalization [4,4,512] 1024
generator Conv2DTranspose [8,8,256] 2097152
generator BatchNormalization [8,8,256] 512
generator Conv2DTranspose [16,16,128] 524288
generator BatchNormalization [16,16,128] 256
generator Conv2DTranspose [32,32,64] 131072
generator BatchNormalization [32,32,64] 128
generator Conv2DTranspose [64,64,3] 3072
discriminator InputLayer [64,64,3] 0
discriminator Conv2D [32,32,64] 3072
discriminator Conv2D [16,16,128] 131072
discriminator BatchNormalization [16,16,128] 256
discriminator Conv2D [8,8,256] 524288
discriminator BatchNormalization [8,8,256] 512
discriminator Conv2D [4,4,512] 2097152
discriminator BatchNormalization [4,4,512] 1024
discriminator Flatten [8192] 0
discriminator Dense [1] 8192
dcgan InputLayer [100] 0
dcgan Model [64,64,3] 3576704
dcgan Model [1] 2765568
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
	for _, p := range m.Params {
		mean, sd := map[string]float64{"gamma": 1, "moving_variance": 1}[p.Name[strings.LastIndex(p.Name, "/")+1:]], 0.0
		if strings.HasSuffix(p.Name, "kernel") || strings.HasSuffix(p.Name, "gamma") {
			sd = 0.02
		}
		if strings.HasSuffix(p.Name, "bias") || p.Buffer != strings.Contains(p.Name, "moving") {
			t.Errorf("%+v", p)
		}
		x := p.Draw(rng.New(1)).F32()
		var m, s float64
		for _, v := range x {
			m += float64(v) / float64(len(x))
		}
		for _, v := range x {
			s += (float64(v) - m) * (float64(v) - m) / float64(len(x))
		}
		if s = math.Sqrt(s); !(math.Abs(m-mean) < 4.5*sd/math.Sqrt(float64(len(x)))+1e-9) || !(math.Abs(s-sd) < 0.3*sd+1e-9) {
			t.Errorf("%s starts with mean %v and σ %v, want %v and %v", p.Name, m, s, mean, sd)
		}
	}
}

func TestDeviceAgreesWithInterpreter(t *testing.T) {
	for name, m := range tiny(t) {
		t.Run(name, func(t *testing.T) {
			be := cpu.New(2)
			defer be.Close()
			f := trainFunc(t, m, 4)
			graphtest.Agree(t, be, f, graph.Env{Inputs: batch(4, small, 0.002), States: startStates(m)}, 1e-5)
			ev, err := m.Eval(4)
			if err != nil {
				t.Fatal(err)
			}
			graphtest.Agree(t, be, ev, graph.Env{Inputs: batch(4, small, 0), States: startStates(m)}, 1e-5)
			dec, err := m.Decode(3)
			if err != nil {
				t.Fatal(err)
			}
			z := batch(3, small, 0)
			z[model.InputZ] = graphtest.Uniform(rng.New(2), -2, 2, 3*m.Latent).Value
			graphtest.Agree(t, be, dec, graph.Env{Inputs: z, States: startStates(m)}, 1e-5)
		})
	}
}

// The metrics of the dense GAN by the published definition, from the networks
// written out: BCE of a sigmoid, accuracy at ½.
func TestDenseMetricsAreTheirDefinition(t *testing.T) {
	m := newModel(t, small, DenseGAN, "latent", "3", "hidden", "5")
	const b = 6
	in, st := batch(b, small, 0), startStates(m)
	in[model.InputWeight] = graph.Value{1, 1, 1, 1, 0, 1}
	got := run(t, trainFunc(t, m, b), nil, in, maps.Clone(st))

	dense := func(x graph.Value, name string, act func(float64) float64) graph.Value {
		w, bias := st[name+"/kernel"], st[name+"/bias"]
		n := len(bias)
		y := make(graph.Value, 0, b*n)
		for i := range b {
			row := x[i*(len(x)/b) : (i+1)*(len(x)/b)]
			for j := range n {
				s := bias[j]
				for k, v := range row {
					s += v * w[k*n+j]
				}
				y = append(y, act(s))
			}
		}
		return y
	}
	leaky := func(x float64) float64 { return max(x, 0) + float64(float32(0.01))*min(x, 0) }
	probability := func(x graph.Value) graph.Value {
		return dense(dense(x, "discriminator/dense_2", leaky), "discriminator/dense_3", func(l float64) float64 { return 1 / (1 + math.Exp(-l)) })
	}
	generated := func(stream string) graph.Value {
		f, err := graph.NewFunc("noise", nil, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		s := m.inner.inputs(b, true)
		f.Inputs = []*graph.Node{s.key}
		f.Outputs = []graph.Output{{Name: "z", Value: graph.Normal(s.key, stream, b, 3)}}
		z := run(t, f, nil, in, nil)["z"]
		return dense(dense(z, "generator/dense", leaky), "generator/dense_1", math.Tanh)
	}
	var x graph.Value
	for _, p := range in[model.InputX] {
		x = append(x, 2*p-1)
	}
	var real, fake, generatorLoss, correct float64
	for i, d := range probability(x) {
		if w := in[model.InputWeight][i]; w == 1 {
			real -= math.Log(d) / 5
			if d > 0.5 {
				correct += 0.5 / 5
			}
		}
	}
	for _, d := range probability(generated("noise")) {
		fake -= math.Log(1-d) / b
		if d < 0.5 {
			correct += 0.5 / b
		}
	}
	for _, d := range probability(generated("noise of the generator's turn")) {
		generatorLoss -= math.Log(d) / b
	}
	for name, want := range map[string]float64{model.DLoss: (real + fake) / 2, model.DAccuracy: correct, model.GLoss: generatorLoss} {
		if !near(got[name][0], want, 1e-7) {
			t.Errorf("%s is %.9f, want %.9f", name, got[name][0], want)
		}
	}
}

// An iteration equals its updates, each a function of its own, run one after the other, and
// an update of one network changes no state of the others. So the second update of the
// dense discriminator starts from the first, and the generator learns from the updated
// discriminator. Simultaneous updates are run together.
func TestAnIterationIsItsUpdates(t *testing.T) {
	orders := map[string]string{
		"dense-gan": "discriminator discriminator generator",
		"vae-gan":   "discriminator encoder generator",
	}
	networks := map[string][]string{"discriminator": {discriminator, recognition}}
	for name, m := range tiny(t) {
		const b = 4
		in := batch(b, small, 0.01)
		want := startStates(m)
		var order []string
		all := m.inner.updates(m.inner.inputs(b, true))
		for i := 0; i < len(all); {
			n := 1
			for i+n < len(all) && all[i+n].Simultaneous {
				n++
			}
			s := m.inner.inputs(b, true)
			done := m.inner.updates(s)[i : i+n]
			updates := update.New(s.b, s.lr, done...).Updates
			i += n
			var own []string
			for _, d := range done {
				order = append(order, d.Name)
				own = append(own, d.Name, "optimizer/"+d.Name)
				own = append(own, networks[d.Name]...)
				if d.Name == generator {
					own = append(own, average)
				}
			}
			for _, u := range updates {
				if st := u.State.Name(); !slices.ContainsFunc(own, func(o string) bool { return strings.HasPrefix(st, o+"/") }) {
					t.Errorf("%s: the update of the %s changes %s", name, done[0].Name, st)
				}
			}
			f, err := graph.NewFunc("update", s.nodes(s.lr), []graph.Output{{Name: "loss", Value: done[0].Loss}}, updates)
			run(t, f, err, in, want)
		}
		wanted := orders[name]
		if wanted == "" {
			wanted = "discriminator generator"
		}
		if g := strings.Join(order, " "); g != wanted {
			t.Errorf("%s: updates of %s", name, g)
		}
		got := startStates(m)
		run(t, trainFunc(t, m, b), nil, in, got)
		start := startStates(m)
		for st, v := range want {
			for i := range v {
				if !near(got[st][i], v[i], 1e-12) {
					t.Errorf("%s: %s[%d] is %v after an iteration, %v update by update", name, st, i, got[st][i], v[i])
					break
				}
			}
			if slices.Equal(got[st], start[st]) && !strings.HasSuffix(st, "beta2_power") {
				t.Errorf("%s: %s has not changed", name, st)
			}
		}
	}
}

// Simultaneous updates start from the same states: the generator does not depend on what
// the encoder learns in the same iteration.
func TestSimultaneousUpdates(t *testing.T) {
	m := tiny(t)["vae-gan"]
	was := startStates(m)
	run(t, trainFunc(t, m, 4), nil, batch(4, small, 0.01), was)
	g := m.inner.algorithm.(vaeGAN)
	g.encoderOptimizer.rate = 1e-9 // 0 is 1
	m.inner.algorithm = g
	still, moved := startStates(m), false
	run(t, trainFunc(t, m, 4), nil, batch(4, small, 0.01), still)
	for st, v := range was {
		switch {
		case strings.HasPrefix(st, generator+"/") && !slices.Equal(v, still[st]):
			t.Errorf("%s depends on what the encoder learns in the same iteration", st)
		case strings.HasPrefix(st, encoder+"/"):
			moved = moved || !slices.Equal(v, still[st])
		}
	}
	if !moved {
		t.Error("the encoder learns nothing")
	}
}

// The images of the discriminator's update are those of the generator's update: they pass
// through the generator once forward, and their gradient once back.
func TestJointUpdatesGenerateImagesOnce(t *testing.T) {
	const kernel = "generator/conv2d_transpose/kernel"
	uses := map[graph.Op]int{}
	for _, n := range graph.Simplify(trainFunc(t, tiny(t)["dcgan"], 4)).Nodes() {
		if slices.ContainsFunc(n.In(), func(x *graph.Node) bool { return x.Name() == kernel }) {
			uses[n.Op()]++
		}
	}
	if uses[graph.OpConv2DInputGrad] != 1 || uses[graph.OpConv2D] != 1 {
		t.Errorf("%s is used %v, want one pass forward and one back", kernel, uses)
	}
}

// Decode uses the running statistics: an image does not depend on the others of its batch.
func TestRunningStatisticsAreUsed(t *testing.T) {
	m := tiny(t)["dcgan"]
	z := map[string]graph.Value{model.InputZ: graphtest.Uniform(rng.New(2), -2, 2, 9).Value}
	st := startStates(m)
	three, err := m.Decode(3)
	was := run(t, three, err, z, st)[model.OutputPicture]
	for _, v := range was {
		if !(v > 0 && v < 1) {
			t.Fatalf("a pixel is %v", v)
		}
	}
	for i := range st["generator/batch_normalization/moving_mean"] {
		st["generator/batch_normalization/moving_mean"][i] += 0.5
	}
	if now := run(t, three, nil, z, st)[model.OutputPicture]; slices.Equal(was, now) {
		t.Error("the running mean has no effect on images")
	}
	one, err := m.Decode(1)
	alone := run(t, one, err, map[string]graph.Value{model.InputZ: z[model.InputZ][3:6]}, startStates(m))[model.OutputPicture]
	for i, v := range alone {
		if !near(v, was[small.Size()+i], 1e-14) {
			t.Fatalf("pixel %d of an image alone is %v, in a batch %v", i, v, was[small.Size()+i])
		}
	}
}

func TestNonFiniteStepChangesNothing(t *testing.T) {
	for name, m := range tiny(t) {
		f := trainFunc(t, m, 4)
		in, states := batch(4, small, 0.1), startStates(m)
		in[model.InputX][5] = math.NaN()
		if out := run(t, f, nil, in, states); !math.IsNaN(out[model.DLoss][0]) {
			t.Errorf("%s: the loss of a picture with a NaN is %v", name, out[model.DLoss][0])
		}
		in = batch(4, small, 0.1)
		clear(in[model.InputWeight])
		run(t, f, nil, in, states)
		for st, want := range startStates(m) {
			if !slices.Equal(states[st], want) {
				t.Errorf("%s: %s has changed", name, st)
			}
		}
	}
}

// Each option of each kind, set to another value, changes the loss.
func TestEveryOptionHasAnEffect(t *testing.T) {
	other := map[string][2]string{
		"latent": {"4", "5"}, "hidden": {"5", "6"}, "filters": {"3,4", "3"}, "kernel": {"4", "3"}, "d-norm": {"none", "batch"}, "g-norm": {"batch", "none"},
		"loss": {"hinge", "least-squares"}, "gp": {"0", "10"}, "r1": {"0", "1"}, "d-steps": {"1", "2"}, "d-rate": {"1", "2"}, "beta1": {"0.5", "0"}, "beta2": {"0.999", "0.9"}, "ema": {"0", "0.9"}, "augment": {"none", "color"},
		"embedding": {"2", "3"}, "info-codes": {"1", "0"}, "info-classes": {"2", "3"}, "info": {"1", "2"}, "dense": {"0", "3"}, "gamma": {"0.1", "1"}, "reconstruction": {"features", "mse"},
	}
	for _, kind := range []func() (model.Kind, model.Recipe){DenseGAN, dcgan, ResNetGAN, CGAN, InfoGAN, VAEGAN} {
		k, _ := kind()
		var base []string
		for _, f := range model.Flags(k.Default()) {
			base = append(base, f.Name, other[f.Name][0])
		}
		// The loss of the generator in a third iteration, plus a pixel that is generated after it.
		loss := func(options ...string) float64 {
			m := newModel(t, small, kind, options...)
			st, in := startStates(m), batch(4, small, 0.01)
			var out map[string]graph.Value
			for range 3 {
				out = run(t, trainFunc(t, m, 4), nil, in, st)
			}
			dec, err := m.Decode(1)
			z := batch(1, small, 0)
			z[model.InputZ] = make(graph.Value, m.Latent)
			return out[model.GLoss][0] + run(t, dec, err, z, st)[model.OutputPicture][5]
		}
		was := loss(base...)
		for _, f := range model.Flags(k.Default()) {
			if now := loss(append(base, f.Name, other[f.Name][1])...); !(math.Abs(now-was) > 1e-6) {
				t.Errorf("%s --%s %s: loss %v, as with %s", k.Name, f.Name, other[f.Name][1], now, other[f.Name][0])
			}
		}
	}
}

// Each norm of each network gives another loss.
func TestNormsDiffer(t *testing.T) {
	byLoss := map[float64]string{}
	for _, d := range []string{batchNorm, spectralNorm, noNorm} {
		for _, g := range []string{batchNorm, spectralNorm, noNorm} {
			m := newModel(t, small, dcgan, "latent", "3", "filters", "3,4", "d-norm", d, "g-norm", g)
			st := startStates(m)
			loss := run(t, trainFunc(t, m, 4), nil, batch(4, small, 0.01), st)[model.GLoss][0]
			if other, ok := byLoss[loss]; ok || math.IsNaN(loss) {
				t.Errorf("norms %s and %s: loss %v, as %q", d, g, loss, other)
			}
			byLoss[loss] = d + " and " + g
			u, moved := st["discriminator/conv2d_1/u"], 0.0
			for i := range u {
				moved += u[i] * u[i]
			}
			if (u != nil) != (d == spectralNorm) || u != nil && !near(moved, 1, 1e-6) {
				t.Errorf("norm %s: after a step u is %v", d, u)
			}
		}
	}
}

func TestErrorsNameOptionValueAndWayOut(t *testing.T) {
	for _, c := range []struct {
		kind    func() (model.Kind, model.Recipe)
		img     medium.Item
		options []string
		want    string
	}{
		{DenseGAN, mnist, []string{"latent", "0", "hidden", "-1"}, "gan: --latent 0: want 1 to 65536\ngan: --hidden -1: want 1 to 65536"},
		{dcgan, mnist, []string{"filters", "64,128,256,512"}, "gan: images of 28x28x1: with 4 layers of --filters rows and columns must be multiples of 16; use --size 32, or at most 2 layers of --filters"},
		{dcgan, faces, []string{"d-norm", "spectrum", "g-norm", ""}, `gan: --d-norm "spectrum": want batch, spectral or none
gan: --g-norm "": want batch, spectral or none`},
		{dcgan, faces, []string{"kernel", "0", "filters", "3,0"}, "gan: --filters: layer 2 is 0: want 1 to 65536\ngan: --kernel 0: want 1 to 31"},
		{DenseGAN, mnist, []string{"loss", "wgan", "d-steps", "0", "beta1", "1", "ema", "-1", "augment", "crop"}, `gan: --loss "wgan": want non-saturating, minimax, least-squares, wasserstein, hinge
gan: --augment: no augmentation "crop"; have none, or some of color,translation,cutout
gan: --d-steps 0: want 1 to 100
gan: --beta1 1: want 0 or more, and less than 1
gan: --ema -1: want 0 or more, and less than 1`},
		{dcgan, mnist, []string{"gp", "10"}, "gan: --gp and --r1 penalise the gradient of each image by itself, and batch norm mixes the images of a batch: want --d-norm spectral or none"},
		{dcgan, pixels.Item(27, 27, 1), nil, "gan: images of 27x27x1: with 1 layer of --filters rows and columns must be multiples of 2; use --size 28"},
		{DenseGAN, pixels.Item(0, 0, 0), nil, "gan: images of 0x0x0: want at least one row, column and channel"},
	} {
		cfg := configured(t, c.kind, c.options...)
		_, err := cfg.New(model.Input{Item: c.img})
		if err == nil || flagText(cfg, err) != c.want {
			t.Errorf("%v for %v: got %v\nwant %s", c.options, c.img, err, c.want)
		}
	}
	m := newModel(t, mnist, DenseGAN)
	if _, err := m.Phases[0].Step(0); err == nil {
		t.Error("a batch of 0 was taken")
	}
	m = newModel(t, mnist, DenseGAN, "d-steps", "5")
	if _, err := m.Phases[0].Step(128); err == nil || flagText(&DenseConfig{}, err) != "gan: --batch 128: want a multiple of --d-steps 5, as 130" {
		t.Error(err)
	}
	if want := "D: −ln D(x) − ln(1 − D(G(z))), G: −ln D(G(z)), nats per image"; m.Objective != want {
		t.Errorf("objective %q", m.Objective)
	}
}
