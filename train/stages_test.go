package train

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/vae"
	"github.com/imago-ml/imago/train/ckpt"
	"github.com/imago-ml/imago/train/runlog"
)

// stagedConfig is an MLP VAE that is trained in three stages, the first of which
// takes labelled images.
type stagedConfig struct {
	vae.MLPVAEConfig
	Warm int `json:"warm" flag:"warm" help:"epochs of the first stage"`
}

func staged() (model.Kind, model.Recipe) {
	_, rec := vae.MLPVAE()
	rec.Name, rec.Kind = "staged", "staged"
	return model.Kind{Name: "staged", Default: func() model.Config {
		k, _ := vae.MLPVAE()
		return &stagedConfig{*k.Default().(*vae.MLPVAEConfig), 1}
	}}, rec
}

func (c *stagedConfig) New(in model.Input) (*model.Model, error) {
	m, err := c.MLPVAEConfig.New(in)
	if err != nil {
		return nil, err
	}
	return stagedModel(m, c.Warm, func() error { return nil }), nil
}

// stagedModel returns m, trained in three stages: one whose step has another metric, a short
// one, and the model's own. The second moves a parameter by what the context gives, so that
// doing it twice, or not, is seen; moved ends it.
func stagedModel(m *model.Model, warm int, ended func() error) *model.Model {
	train := m.Phases[0].Step
	staged := *m
	staged.Supervision = &model.Supervision{Count: 20, Batch: 7, Seed: 2}
	staged.Phases = []model.Phase{
		{Name: "warm", Epochs: warm, Step: func(batch int) (*graph.Func, error) {
			f, err := train(batch)
			if err != nil {
				return nil, err
			}
			epoch := graph.Input(model.InputEpoch, tensor.Float32)
			x, y := graph.Input(model.InputLabelledX, tensor.Float32, 7, 28, 28, 1), graph.Input(model.InputLabelledY, tensor.Float32, 7, 10)
			ramp := graph.ConstOf([]float32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, 10)
			out := append(f.Outputs[:1:1],
				graph.Output{Name: "half", Value: graph.Div(epoch, graph.Const(2))},
				graph.Output{Name: "few", Value: graph.Add(graph.Sum(x), graph.Sum(graph.Mul(y, ramp)))})
			return graph.NewFunc("warm", append(f.Inputs[:len(f.Inputs):len(f.Inputs)], epoch, x, y), out, f.Updates)
		}},
		{Name: "short", Epochs: 1, Step: train, Init: func(s model.InitContext) error { return move(m, s, ended) }},
		{Name: "whole", Step: train},
	}
	return &staged
}

const moved = "encoder/z_mean/bias"

func move(m *model.Model, s model.InitContext, ended func() error) error {
	codes, err := s.Run(m.Encode)
	if err != nil {
		return err
	}
	means := codes[model.OutputMean]
	if len(means) != s.Train().Len()*m.Latent {
		return fmt.Errorf("%d values of means", len(means))
	}
	bias, err := s.Get(moved)
	if err != nil {
		return err
	}
	bias.F32()[0] += means[0] + float32(s.Key().Float64())
	if err := s.Set(moved, bias); err != nil {
		return err
	}
	return ended()
}

// onMove makes ended end the move of a staged model.
func onMove(m *model.Model, ended func() error) {
	init := m.Phases[1].Init
	m.Phases[1].Init = func(s model.InitContext) error {
		if err := init(s); err != nil {
			return err
		}
		return ended()
	}
}

// A run in stages logs each, compares the test loss of the last alone, and counts
// the epochs and the rates of each anew.
func TestStages(t *testing.T) {
	set := must(small(150, 30)) // 64 + 64 + 22
	c := config("staged", set, "hidden", "16", "warm", "2")
	c.Epochs, c.Schedule = 5, "step:1:0.5"
	r := newRun(t, c)
	var out bytes.Buffer
	res, err := Loop(context.Background(), newJob(t, r, set, 2, &out))
	if err != nil {
		t.Fatal(err)
	}
	half := func(e float64) float64 { return (64*e + 64*(e+64./150) + 22*(e+128./150)) / 150 / 2 }
	for i, want := range []struct {
		stage string
		lr    float64
		half  float64
		test  bool
	}{{"warm", 1e-3, half(0), false}, {"warm", 5e-4, half(1), false}, {"short", 1e-3, 0, false}, {"whole", 1e-3, 0, true}, {"whole", 5e-4, 0, true}} {
		l := runlog.Epochs(must(runlog.ReadLog(r.Dir)))[i]
		_, hasLoss := l.Test[eval.TestLoss]
		_, hasKL := l.Test["test_kl"]
		_, hasNorm := l.Train["grad_norm"]
		if l.Phase != want.stage || l.LR != want.lr || !(math.Abs(l.Train["half"]-want.half) < 1e-6) || hasLoss != want.test || !hasKL || hasNorm != (want.half == 0) || l.Best && !want.test {
			t.Errorf("epoch %d is %+v, want %+v", i+1, l, want)
		}
		if text := fmt.Sprintf("epoch %d/5 %s  loss ", i+1, want.stage); !strings.Contains(out.String(), text) {
			t.Errorf("%q is not in\n%s", text, out.String())
		}
	}
	if !strings.Contains(out.String(), "2/3, short: epochs 3 to 3") || res.Epochs != 5 {
		t.Errorf("%+v\n%s", res, out.String())
	}
	if s := must(ckpt.LoadState(res.Best)); s.Epoch < 4 {
		t.Errorf("the best is %s, after epoch %d", res.Best, s.Epoch)
	}
}

// A run that is stopped in a Begin, or between a Begin and the first step, does it
// once.
func TestResumeAtBegin(t *testing.T) {
	set := must(small(150, 30))
	c := config("staged", set, "hidden", "16")
	whole := newRun(t, c)
	trained(t, whole, set, 2)
	want, wantLog := digestOf(t, whole.Dir)
	for name, stop := range map[string]func(j *Job, cancel func()){
		"within": func(j *Job, cancel func()) {
			var reads atomic.Int64
			j.Data = trapped(set, func(int) error {
				if reads.Add(1) == 150+100 { // an epoch, and into the Begin
					cancel()
				}
				return nil
			})
		},
		"at its end": func(j *Job, cancel func()) {
			onMove(j.Model, func() error { cancel(); return context.Canceled })
		},
		"after": func(j *Job, cancel func()) {
			onMove(j.Model, func() error { cancel(); return nil })
		},
	} {
		r := newRun(t, c)
		ctx, cancel := context.WithCancel(context.Background())
		j := newJob(t, r, set, 1, nil)
		stop(&j, cancel)
		_, err := Loop(ctx, j)
		cancel()
		var stopped *InterruptedError
		if !errors.As(err, &stopped) || stopped.Step != 3 || stopped.Epoch != 1 {
			t.Fatalf("%s: %v", name, err)
		}
		trained(t, r, set, 2)
		if got, gotLog := digestOf(t, r.Dir); got != want || gotLog != wantLog {
			t.Errorf("%s: %s, want %s\n%s\nwant\n%s", name, got, want, gotLog, wantLog)
		}
	}
}

// The rate that the log tells is the one that the step took.
func TestScheduleIsUsed(t *testing.T) {
	set := must(small(60, 10)) // one step an epoch
	weights := func(schedule string, lr float64) string {
		c := config("mlp-vae", set, "hidden", "16")
		c.Epochs, c.LR, c.Schedule = 2, lr, schedule
		r := newRun(t, c)
		f := must(ckpt.LoadWeights(trained(t, r, set, 1).Checkpoint))
		return fmt.Sprint(f.Weights[moved].F32())
	}
	if a, b := weights("step:2:0.1", 1e-3), weights("", 1e-3); a != b {
		t.Errorf("before the rate changes: %s, want %s", a, b)
	}
	if a, b := weights("step:1:0.1", 1e-3), weights("", 1e-3); a == b {
		t.Error("a rate that changes after the first epoch made no difference")
	}
}

func TestStagesThatLeaveNoEpoch(t *testing.T) {
	set := must(small(60, 10))
	c := config("staged", set, "warm", "2")
	c.Epochs = 3
	_, err := c.Build(registry())
	if err == nil || err.Error() != "runlog: Epochs 3 leaves no epoch for the last phase, whole: warm takes 2 epochs, short takes 1 epoch; want Epochs 4 or more, or shorter phases" {
		t.Errorf("%v", err)
	}
	c = config("staged", set, "warm", "0")
	if _, err := c.Build(registry()); err == nil || !strings.Contains(err.Error(), `"warm"`) {
		t.Errorf("a first stage without epochs: %v", err)
	}
}

// A Begin that fails leaves the state as it was, and says in which stage.
func TestBeginFails(t *testing.T) {
	set := must(small(60, 10))
	c := config("staged", set, "hidden", "8")
	r := newRun(t, c)
	be := cpu.New(1)
	defer be.Close()
	tr, err := newTrainer(jobOn(r, set, be, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer tr.close()
	before := fmt.Sprint(must(tr.state.Get(moved)).F32())
	init := tr.Model.Phases[1].Init
	s := runlog.PhaseAt(tr.stages, 1)
	fault := errors.New("no luck")
	s.Init = func(sc model.InitContext) error {
		if err := init(sc); err != nil {
			return err
		}
		if now := fmt.Sprint(must(tr.state.Get(moved)).F32()); now == before {
			t.Error("nothing was set")
		}
		return errors.Join(sc.Set("nothing", tensor.New(tensor.Float32)), fault)
	}
	if err := tr.begin(context.Background(), s); !errors.Is(err, fault) || !strings.Contains(err.Error(), "stage 2 short") || !strings.Contains(err.Error(), `"nothing"`) {
		t.Errorf("%v", err)
	}
	if now := fmt.Sprint(must(tr.state.Get(moved)).F32()); now != before {
		t.Errorf("%s is %s, was %s", moved, now, before)
	}
}
