package vae

import (
	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/update"
	"github.com/imago-ml/imago/optim"
	"github.com/imago-ml/imago/prob"
)

// MutualInformation adds nothing to the loss. It measures how much the codes tell of the items,
// as the metric mi: the mutual information of q(z|x) over the items of a batch,
//
//	I = E_x[ ln q(z|x) − ln (1/B) Σ_x' q(z|x') ],  z ~ q(z|x)
//
// in nats, which is ln B at most. Hoffman & Johnson 2016; as an estimate over batches, He et al.,
// arXiv:1901.05534, sec. 4.2.
type MutualInformation struct{}

// Penalty returns no penalty, and the metric.
func (MutualInformation) Penalty(in *Inputs, q Posterior) (*graph.Node, []Term) {
	if in.Weight == nil {
		return nil, nil
	}
	batch, units := q.Z.Shape()[0], q.Z.Shape()[1]
	own := prob.GaussianLogDensity(q.Z, q.Mu, q.LogVar)
	// Each draw under q(z|x') of each item: (B,1,Z) under (1,B,Z).
	wide := func(x *graph.Node, rows, columns int) *graph.Node {
		return graph.Reshape(graph.BroadcastTo(graph.Reshape(x, rows, columns, units), batch, batch, units), batch*batch, units)
	}
	logs := prob.GaussianLogDensity(wide(q.Z, batch, 1), wide(q.Mu, 1, batch), wide(q.LogVar, 1, batch))
	logs = graph.Select(graph.Reshape(in.Weight, 1, batch), graph.Reshape(logs, batch, batch), graph.Const(unlikely))
	mixture := graph.Sub(prob.LogSumExp(logs, 1), graph.Log(graph.Sum(in.Weight)))
	mi := graph.Tag(graph.StopGradient(graph.Sub(own, mixture)), model.MutualInformation)
	return nil, []Term{{model.MutualInformation, mi}}
}

// unlikely is the log density of a draw under the posterior of an item that does not count.
const unlikely = -1e9

// Formula returns "".
func (MutualInformation) Formula() string { return "" }

// lagging returns the updates of aggressive training, He, Spokoyny, Neubig & Berg-Kirkpatrick,
// arXiv:1901.05534, alg. 1: at first a posterior lags behind the decoder, which learns to do without
// the codes before they say anything. So the encoder changes in each step, and the decoder in each
// one of k, until the mutual information of codes and items, as a mean over an epoch, is less than
// in the epoch before. From then on both change in each step, as of any VAE.
//
// The paper changes the encoder until the bound stops rising, up to 100 times; k is fixed here, so
// that the time of an epoch is known.
//
// The regulariser must have the metric of MutualInformation.
func (e elbo) lagging(k int) func(in *Inputs) []update.Update {
	return func(in *Inputs) []update.Update {
		t := in.withTarget(e.likelihood)
		terms, _ := e.bound(t)
		metrics := t.metrics(terms)
		s := aggressive{}
		for _, m := range metrics {
			if m.Name == model.MutualInformation {
				s = aggressiveStep(in, m.Value, k)
			}
		}
		loss := metrics[0].Value
		return []update.Update{
			{
				Name: "encoder", Loss: loss, Params: update.Params(in.Builder, "encoder"), Optimizer: adam("encoder"), GradNorm: model.GradNorm,
				Metrics: metrics, Slots: s.slots, After: func([]graph.Update) []graph.Update { return s.updates },
			},
			{Name: "decoder", Loss: loss, Params: update.Except(in.Builder, "encoder"), Optimizer: adam("decoder"), Simultaneous: true, When: s.decoder},
		}
	}
}

// aggressive is what a step of aggressive training remembers, and whether the decoder changes in it.
type aggressive struct {
	decoder *graph.Node // (), 1 or 0
	updates []graph.Update
	slots   []optim.Slot
}

// aggressiveStep returns a step in which the mutual information of the batch is mi ().
func aggressiveStep(in *Inputs, mi *graph.Node, k int) aggressive {
	var s aggressive
	state := func(name string) *graph.Node {
		name = "optimizer/lagging/" + name
		s.slots = append(s.slots, optim.Slot{Name: name, Shape: tensor.Shape{}})
		return graph.State(name)
	}
	set := func(state, value *graph.Node) {
		s.updates = append(s.updates, graph.Update{State: state, Value: value})
	}
	steps := state("steps") // since the decoder changed
	epochs := state("epochs")
	sum, count := state("sum"), state("count") // of mi in this epoch
	before := state("before")                  // mean of mi in the epoch before
	over := state("over")                      // 1 if aggressive training has ended

	one := graph.Const(1)
	ended := graph.Sub(one, graph.Greater(graph.AddScalar(epochs, 1), in.Epoch))
	mean := graph.Div(sum, graph.Max(count, one))
	stop := graph.Max(over, graph.Mul(ended, graph.Greater(before, mean)))
	steps1 := graph.AddScalar(steps, 1)
	s.decoder = graph.Max(stop, graph.Greater(steps1, graph.Const(float64(k)-0.5)))

	kept := graph.Sub(one, ended)
	set(steps, graph.Mul(steps1, graph.Sub(one, s.decoder)))
	set(epochs, graph.Add(epochs, ended))
	set(sum, graph.Add(graph.Mul(sum, kept), mi))
	set(count, graph.AddScalar(graph.Mul(count, kept), 1))
	set(before, graph.Select(ended, mean, before))
	set(over, stop)
	return s
}

// maxLagging bounds the updates of the encoder for each of the decoder.
const maxLagging = 1000

// LaggingOptions are those of lagging inference.
type LaggingOptions struct {
	Lagging int `json:"lagging,omitempty" flag:"lagging" help:"steps of the encoder for each of the decoder, as 10 (lagging inference); until the codes tell no more of the items; 0 = both learn in each step"` // 0, or 2 or more
}

// validate returns the faults of the options; shared says that encoder and decoder have parameters in common.
func (o LaggingOptions) validate(shared bool) []error {
	var faults []error
	if o.Lagging != 0 && (o.Lagging < 2 || o.Lagging > maxLagging) {
		faults = append(faults, option.Errorf("vae: {Lagging} %d: want 2 to %d steps, as 10, or 0 (none)", o.Lagging, maxLagging))
	}
	if o.Lagging != 0 && shared {
		faults = append(faults, option.Errorf("vae: {Lagging} %d has the encoder learn without the decoder, and they share a table of tokens: say {Shared} false", o.Lagging))
	}
	return faults
}
