package mixture

import (
	"context"
	"fmt"

	"github.com/imago-ml/imago/engine/rng"
)

// FitGroups returns a mixture for each group of points, of k components or as many as the group has points, all with
// one covariance:
//
//	Σ ← Σ_i Σ_k r_ik (x_i−μ_k)(x_i−μ_k)ᵀ / N + floor,   over all groups and their components
//
// The means and the weights are fitted to the points of the group alone, and the covariance to those of all. So a group
// of few points may have many components: one costs D numbers, and not D·D. The mixture of a group without points is
// nil. Hastie & Tibshirani 1996, Discriminant Analysis by Gaussian Mixtures. Options.InitialComponents is not used.
//
// groups (G) of (N,D). FitGroups fails as Fit does, with the points of all groups.
func FitGroups(ctx context.Context, groups [][]float32, d, k int, o Options) ([]*Mixture, error) {
	g, o, err := newGroups(groups, d, k, o)
	if err != nil {
		return nil, err
	}
	return g.fit(ctx, k, o)
}

// groups are points in groups.
type groups struct {
	d, of  int
	points int
	parts  []points // the groups that have points
	at     []int    // the place of each among all
	floor  []float64
}

// newGroups returns the groups of points, and the options with their defaults.
func newGroups(all [][]float32, d, k int, o Options) (*groups, Options, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, o, err
	}
	if k < 1 {
		return nil, o, fmt.Errorf("mixture: %d components of a group: want 1 or more", k)
	}
	g := &groups{d: d, of: len(all)}
	var flat []float32
	for i, x := range all {
		if len(x) == 0 {
			continue
		}
		p, err := newPoints(x, d)
		if err != nil {
			return nil, o, fmt.Errorf("group %d: %w", i, err)
		}
		g.parts, g.at, g.points = append(g.parts, p), append(g.at, i), g.points+p.n
		flat = append(flat, x...)
	}
	if g.points == 0 {
		return nil, o, fmt.Errorf("mixture: no point in %d groups", len(all))
	}
	p, err := newPoints(flat, d)
	if err != nil {
		return nil, o, err
	}
	g.floor, err = p.varianceFloor(o.Floor)
	return g, o, err
}

// fit returns the likeliest mixtures of several starts, in the places of their groups.
func (g *groups) fit(ctx context.Context, k int, o Options) ([]*Mixture, error) {
	best, err := likeliest(o, func(key rng.Key) ([]*Mixture, float64, error) { return g.fitOnce(ctx, k, o, key) })
	if err != nil {
		return nil, err
	}
	all := make([]*Mixture, g.of)
	for i, m := range best {
		all[g.at[i]] = m
	}
	return all, nil
}

// fitOnce returns the mixtures of one start, of the groups that have points, and the mean of ln p(x) before the last
// EM iteration.
func (g *groups) fitOnce(ctx context.Context, k int, o Options, key rng.Key) ([]*Mixture, float64, error) {
	mixtures := make([]*Mixture, len(g.parts))
	for i, p := range g.parts {
		centres, err := p.kMeans(ctx, min(k, p.n), g.floor, key.At(uint64(g.at[i])))
		if err != nil {
			return nil, 0, err
		}
		mixtures[i] = p.fromClusters(centres, o.Full, g.floor)
	}
	last, err := o.converge(ctx, func() (float64, error) {
		g.share(mixtures, o)
		mean := 0.0
		for i, p := range g.parts {
			next, logp, err := p.emStep(mixtures[i], g.floor)
			if err != nil {
				return 0, err
			}
			mixtures[i] = next
			mean += logp * float64(p.n) / float64(g.points)
		}
		return mean, nil
	})
	if err != nil {
		return nil, 0, err
	}
	g.share(mixtures, o)
	return mixtures, last, nil
}

// share gives all components the mean of their covariances by the points that each has.
func (g *groups) share(mixtures []*Mixture, o Options) {
	size := mixtures[0].covSize()
	one := make([]float64, size)
	for i, m := range mixtures {
		o.setWeights(m)
		for k, w := range m.Weights {
			for j, v := range m.Covs[k*size : (k+1)*size] {
				one[j] += w * v * float64(g.parts[i].n) / float64(g.points)
			}
		}
	}
	for _, m := range mixtures {
		for k := range m.Weights {
			copy(m.Covs[k*size:], one)
		}
	}
}
