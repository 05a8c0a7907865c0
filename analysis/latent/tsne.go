package latent

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/rng"
)

// TSNEOptions are the settings of t-SNE. The zero value is ready for use.
type TSNEOptions struct {
	Perplexity float64                    // about how many neighbours a code has; 0 = 30, and at most a third of the codes
	Iterations int                        // steps of descent; 0 = 750
	Key        rng.Key                    // of the noise at the start
	Progress   func(iteration, total int) // called after each step; may be nil
}

// The settings of the descent that are not options.
const (
	tsneUnits        = 50  // codes of more units are first reduced to as many principal components
	tsneTheta        = 0.5 // Barnes-Hut: a cell as wide as this part of its distance is one point
	tsneExaggerated  = 250 // steps with the attraction times tsneExaggeration
	tsneExaggeration = 12.0
	tsneMinRate      = 50.0
)

// TSNE returns codes in the plane such that near codes are near: t-SNE (van der Maaten & Hinton
// 2008) with the forces of Barnes and Hut (van der Maaten 2014). Neighbours have the
// probabilities of a Gaussian around each code, as wide as the perplexity asks, and in the
// plane those of Student's t. It descends on their KL divergence, which it returns in nats,
// from the first two principal components, at a rate of N/12 (Belkina et al. 2019; Kobak &
// Berens 2019). Only near distances in the plane have a meaning. The same codes and key give
// the same points on any number of processors.
//
// codes (N, units), N ≥ 4 → (N, 2).
func TSNE(ctx context.Context, codes []float32, units int, opt TSNEOptions) (points [][2]float32, divergence float64, err error) {
	if units < 1 || len(codes)%units != 0 || len(codes) < 4*units {
		return nil, 0, fmt.Errorf("latent: t-SNE of %d values of codes of %d units: want four codes or more", len(codes), units)
	}
	n := len(codes) / units
	if opt.Perplexity == 0 {
		opt.Perplexity = 30
	}
	if opt.Iterations == 0 {
		opt.Iterations = 750
	}
	opt.Perplexity = min(opt.Perplexity, float64(n-1)/3)
	if !(opt.Perplexity >= 1) || opt.Iterations < 1 {
		return nil, 0, fmt.Errorf("latent: t-SNE of perplexity %v in %d steps: want at least 1 of each", opt.Perplexity, opt.Iterations)
	}
	start, err := FitPCA(codes, units, min(units, tsneUnits))
	if err != nil {
		return nil, 0, err
	}
	along := start.Project(codes)
	k := len(start.Variance)
	inputs := along
	if k == units { // a turn of the axes only
		inputs = codes
	}
	d := &descent{n: n, y: make([]float64, 2*n)}
	if d.edges, err = affinities(ctx, inputs, len(inputs)/n, opt.Perplexity); err != nil {
		return nil, 0, err
	}
	// From the principal components, 10⁻⁴ wide, with a hundredth of that as noise, so that equal codes part.
	noise := make([]float32, 2*n)
	opt.Key.Normal(noise)
	scale := 1e-4 / math.Sqrt(max(start.Variance[0], 1e-30))
	for i := range n {
		for a := range 2 {
			if a < k {
				d.y[2*i+a] = scale * float64(along[i*k+a])
			}
			d.y[2*i+a] += 1e-6 * float64(noise[2*i+a])
		}
	}
	if err := d.descend(ctx, opt); err != nil {
		return nil, 0, err
	}
	points = make([][2]float32, n)
	for i := range points {
		points[i] = [2]float32{float32(d.y[2*i]), float32(d.y[2*i+1])}
	}
	return points, d.divergence(), nil
}

// An edge is the probability p with which point j attracts another.
type edge struct {
	j int32
	p float64
}

// affinities returns the symmetric probabilities p_ij = (p_j|i + p_i|j)/2N of the
// 3·perplexity nearest codes of each; they add up to 1.
func affinities(ctx context.Context, codes []float32, units int, perplexity float64) ([][]edge, error) {
	n := len(codes) / units
	k := min(n-1, int(3*perplexity))
	nearest, err := Neighbours(ctx, codes, codes, units, k, Euclidean, func(i int) int { return i })
	if err != nil {
		return nil, err
	}
	given := make([][]edge, n) // p_j|i by j
	for i, list := range nearest {
		p := conditionalAffinities(list, perplexity)
		for m, nb := range list {
			given[i] = append(given[i], edge{int32(nb.Index), p[m]})
		}
	}
	all := make([][]edge, n)
	for i, list := range given {
		for _, e := range list {
			all[i] = append(all[i], edge{e.j, e.p / float64(2*n)})
			all[e.j] = append(all[e.j], edge{int32(i), e.p / float64(2*n)})
		}
	}
	for i, list := range all { // one edge for each j
		slices.SortStableFunc(list, func(a, b edge) int { return cmp.Compare(a.j, b.j) })
		out := list[:0]
		for _, e := range list {
			if m := len(out); m > 0 && out[m-1].j == e.j {
				out[m-1].p += e.p
			} else {
				out = append(out, e)
			}
		}
		all[i] = out
	}
	return all, nil
}

// conditionalAffinities returns the probabilities p_j|i = exp(−β d²)/Σ of the neighbours of a
// code, with the β at which their entropy is ln(perplexity), found by bisection.
func conditionalAffinities(list []Neighbour, perplexity float64) []float64 {
	p := make([]float64, len(list))
	nearest := list[0].Distance * list[0].Distance
	lo, hi, beta := 0.0, math.Inf(1), 1.0
	if farthest := list[len(list)-1].Distance; farthest*farthest > nearest {
		beta = 1 / (farthest*farthest - nearest)
	}
	for range 100 {
		var sum, energy float64
		for m, nb := range list {
			d := nb.Distance*nb.Distance - nearest
			p[m] = math.Exp(-beta * d)
			sum, energy = sum+p[m], energy+p[m]*d
		}
		for m := range p {
			p[m] /= sum
		}
		entropy := math.Log(sum) + beta*energy/sum
		if math.Abs(entropy-math.Log(perplexity)) < 1e-5 {
			break
		}
		if entropy > math.Log(perplexity) { // too wide
			lo = beta
			beta = min(2*beta, (beta+hi)/2)
		} else {
			hi, beta = beta, (lo+beta)/2
		}
	}
	return p
}

// A descent is the points in the plane and the forces on them.
type descent struct {
	n     int
	y     []float64 // (N, 2)
	edges [][]edge
	tree  quadtree
	force []float64 // (N, 2), of repulsion, not yet divided by norm
	share []float64 // (N), what each point adds to norm
	norm  float64   // Σ_i≠j 1/(1+|y_i−y_j|²)
}

// descend runs the iterations, with a larger attraction in the first ones.
func (d *descent) descend(ctx context.Context, opt TSNEOptions) error {
	n := d.n
	d.force, d.share = make([]float64, 2*n), make([]float64, n)
	speed, gain := make([]float64, 2*n), make([]float64, 2*n)
	for i := range gain {
		gain[i] = 1
	}
	rate := max(tsneMinRate, float64(n)/tsneExaggeration)
	for step := range opt.Iterations {
		exaggeration, momentum := 1.0, 0.8
		if step < min(tsneExaggerated, opt.Iterations/2) {
			exaggeration, momentum = tsneExaggeration, 0.5
		}
		if err := d.repel(ctx); err != nil {
			return err
		}
		for i := range n {
			var attract [2]float64
			for _, e := range d.edges[i] {
				dx, dy := d.y[2*i]-d.y[2*e.j], d.y[2*i+1]-d.y[2*e.j+1]
				w := exaggeration * e.p / (1 + dx*dx + dy*dy)
				attract[0], attract[1] = attract[0]+w*dx, attract[1]+w*dy
			}
			for a := range 2 {
				k := 2*i + a
				g := 4 * (attract[a] - d.force[k]/d.norm)
				if (g > 0) == (speed[k] > 0) {
					gain[k] = max(0.01, 0.8*gain[k])
				} else {
					gain[k] += 0.2
				}
				speed[k] = momentum*speed[k] - rate*gain[k]*g
			}
		}
		var mean [2]float64
		for k := range d.y {
			d.y[k] += speed[k]
			mean[k%2] += d.y[k] / float64(n)
		}
		for k := range d.y {
			d.y[k] -= mean[k%2]
		}
		if opt.Progress != nil {
			opt.Progress(step+1, opt.Iterations)
		}
	}
	return d.repel(ctx)
}

// repel computes the repulsion of all points. Points are independent, and their shares of the
// norm are added in order.
func (d *descent) repel(ctx context.Context) error {
	d.tree.build(d.y)
	const run = 64
	err := data.Parallel(ctx, (d.n+run-1)/run, func(r int) error {
		for i := r * run; i < min(d.n, (r+1)*run); i++ {
			d.force[2*i], d.force[2*i+1], d.share[i] = d.tree.repulsion(d.y[2*i], d.y[2*i+1], tsneTheta)
			d.share[i]-- // what it does to itself: 1/(1+0)
		}
		return nil
	})
	d.norm = 1e-300
	for _, s := range d.share {
		d.norm += s
	}
	return err
}

// divergence returns KL(p ‖ q), with the norm of q as the tree estimates it.
func (d *descent) divergence() float64 {
	kl := 0.0
	for i, list := range d.edges {
		for _, e := range list {
			dx, dy := d.y[2*i]-d.y[2*e.j], d.y[2*i+1]-d.y[2*e.j+1]
			if e.p > 0 {
				kl += e.p * math.Log(e.p*(1+dx*dx+dy*dy)*d.norm)
			}
		}
	}
	return kl
}
