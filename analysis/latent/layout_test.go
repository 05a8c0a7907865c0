package latent

import (
	"context"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/imago-ml/imago/engine/rng"
)

func TestNeighbours(t *testing.T) {
	pool := []float32{0, 0, 3, 4, 0, 1, 30, 40, 0, 1}
	got, err := Neighbours(context.Background(), pool[:4], pool, 2, 3, Euclidean, func(i int) int { return i })
	if err != nil {
		t.Fatal(err)
	}
	want := [][]Neighbour{{{2, 1}, {4, 1}, {1, 5}}, {{2, math.Sqrt(18)}, {4, math.Sqrt(18)}, {0, 5}}}
	for i := range want {
		if !slices.Equal(got[i], want[i]) {
			t.Errorf("of %d: %v, want %v", i, got[i], want[i])
		}
	}
	// By angle alone, 3 4 and 30 40 are one.
	got, err = Neighbours(context.Background(), pool[2:4], pool, 2, 9, Cosine, nil)
	if err != nil || len(got[0]) != 5 || got[0][0].Index != 1 || got[0][1].Index != 3 || got[0][1].Distance > 1e-9 || math.Abs(got[0][2].Distance-0.2) > 1e-9 || got[0][4].Distance != 1 {
		t.Errorf("by angle: %v, %v", got, err)
	}
	if _, err := Neighbours(context.Background(), pool[:3], pool, 2, 1, Euclidean, nil); err == nil {
		t.Error("a code and a half gave no error")
	}
}

// TestPCA checks against gonum's components, which it computes by another way (SVD), and against
// the covariance of the codes.
func TestPCA(t *testing.T) {
	const n, units = 600, 5
	codes := make([]float32, n*units)
	rng.New(2).Normal(codes)
	for i := range n {
		c := row(codes, units, i)
		c[0], c[1], c[4] = 3*c[0]+1, c[1]+2*c[0], c[4]/2
	}
	p, err := FitPCA(codes, units, 3)
	if err != nil {
		t.Fatal(err)
	}
	x := mat.NewDense(n, units, nil)
	for i, v := range codes {
		x.Set(i/units, i%units, float64(v))
	}
	var ref stat.PC
	if !ref.PrincipalComponents(x, nil) {
		t.Fatal("gonum found no components")
	}
	var vectors mat.Dense
	ref.VectorsTo(&vectors)
	vars, total := ref.VarsTo(nil), 0.0
	for _, v := range vars {
		total += v
	}
	if math.Abs(p.Total-total) > 1e-6*total {
		t.Errorf("variance in all %v, want %v", p.Total, total)
	}
	for j := range 3 {
		if math.Abs(p.Variance[j]-vars[j]) > 1e-6*vars[j] {
			t.Errorf("variance %d is %v, want %v", j, p.Variance[j], vars[j])
		}
		dot := mat.Dot(mat.NewVecDense(units, p.Components[j*units:(j+1)*units]), vectors.ColView(j))
		if math.Abs(math.Abs(dot)-1) > 1e-6 {
			t.Errorf("component %d is %v from gonum's", j, dot)
		}
	}
	// (3, 2) of one draw and 1 of another in units 0 and 1: the first component is near their plane.
	if c := p.Components[:units]; !(c[0] > 0.75 && c[1] > 0.5) {
		t.Errorf("the first component is %v", c)
	}
	z := p.Project(codes)
	_, deviation := Moments(z, 3)
	for j := range 3 {
		if math.Abs(deviation[j]-math.Sqrt(vars[j]*(n-1)/n)) > 1e-4 {
			t.Errorf("projected on component %d the deviation is %v, want %v", j, deviation[j], math.Sqrt(vars[j]))
		}
	}
	for _, err := range []error{second(FitPCA(codes[:7], 5, 1)), second(FitPCA(codes[:5], 5, 1)), second(FitPCA(codes, units, 6)), second(FitPCA([]float32{float32(math.NaN()), 1}, 1, 1)), second(FitPCA([]float32{float32(math.Inf(1)), 1}, 1, 1))} {
		if err == nil {
			t.Error("no error")
		}
	}
}

// TestConditionalAffinities checks that the probabilities have the perplexity that was asked for.
func TestConditionalAffinities(t *testing.T) {
	var list []Neighbour
	for i := range 60 {
		list = append(list, Neighbour{i, 1 + float64(i*i)/500})
	}
	entropy, sum := 0.0, 0.0
	for _, p := range conditionalAffinities(list, 12) {
		entropy, sum = entropy-p*math.Log(p), sum+p
	}
	if math.Abs(math.Exp(entropy)-12) > 1e-3 || math.Abs(sum-1) > 1e-12 {
		t.Errorf("perplexity %v, sum %v", math.Exp(entropy), sum)
	}
	for _, p := range conditionalAffinities(slices.Repeat([]Neighbour{{0, 2}}, 9), 3) { // all as near: no width makes them differ
		if math.Abs(p-1.0/9) > 1e-12 {
			t.Errorf("of nine equal ones one has %v", p)
		}
	}
}

// TestRepulsion checks the forces of the tree against the sum over all pairs; they are equal if
// no cell counts as a point.
func TestRepulsion(t *testing.T) {
	const n = 300
	noise := make([]float32, 2*n)
	rng.New(4).Normal(noise)
	y := make([]float64, 2*n)
	for i, v := range noise {
		y[i] = 5 * float64(v)
	}
	copy(y[2:8], []float64{y[0], y[1], y[0], y[1], y[0], y[1]}) // four in one place
	var q quadtree
	q.build(y)
	for _, tt := range []struct{ theta, tolerance float64 }{{0, 1e-9}, {tsneTheta, 0.03}} {
		var worst, most float64
		for i := range n {
			var fx, fy, sum float64
			for j := range n {
				dx, dy := y[2*i]-y[2*j], y[2*i+1]-y[2*j+1]
				w := 1 / (1 + dx*dx + dy*dy)
				fx, fy, sum = fx+w*w*dx, fy+w*w*dy, sum+w
			}
			gx, gy, got := q.repulsion(y[2*i], y[2*i+1], tt.theta)
			worst = max(worst, math.Hypot(gx-fx, gy-fy), math.Abs(got-sum))
			most = max(most, math.Hypot(fx, fy), sum)
		}
		if !(worst <= tt.tolerance*most) {
			t.Errorf("theta %v: off by %v where the largest is %v", tt.theta, worst, most)
		}
	}
}

// TestTSNE checks that five balls in ten dimensions are five balls in the plane: all neighbours of
// a point are of its own ball.
func TestTSNE(t *testing.T) {
	const n, units, balls = 300, 10, 5
	codes := make([]float32, n*units)
	rng.New(6).Normal(codes)
	for i := range n {
		codes[i*units+i%balls] += 12
	}
	steps := 0
	y, divergence, err := TSNE(context.Background(), codes, units, TSNEOptions{Iterations: 300, Key: rng.New(0), Progress: func(int, int) { steps++ }})
	if err != nil {
		t.Fatal(err)
	}
	flat := make([]float32, 0, 2*n)
	for _, p := range y {
		flat = append(flat, p[0], p[1])
	}
	near, err := Neighbours(context.Background(), flat, flat, 2, 5, Euclidean, func(i int) int { return i })
	if err != nil {
		t.Fatal(err)
	}
	for i, list := range near {
		for _, nb := range list {
			if nb.Index%balls != i%balls {
				t.Fatalf("point %d of ball %d has %d as a neighbour", i, i%balls, nb.Index)
			}
		}
	}
	if steps != 300 || !(divergence > 0 && divergence < 1) {
		t.Errorf("%d steps, divergence %v", steps, divergence)
	}
	again, _, err := TSNE(context.Background(), codes, units, TSNEOptions{Iterations: 300, Key: rng.New(0)})
	if err != nil || !slices.Equal(y, again) {
		t.Errorf("the same codes and key gave other points, %v", err)
	}
	if _, _, err := TSNE(context.Background(), make([]float32, 20), 1, TSNEOptions{Iterations: 20}); err != nil { // all equal
		t.Error(err)
	}
	stopped, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := TSNE(stopped, codes, units, TSNEOptions{}); err == nil {
		t.Error("stopped, it gave no error")
	}
	for _, opt := range []TSNEOptions{{Perplexity: -1}, {Iterations: -1}, {Perplexity: math.NaN()}} {
		if _, _, err := TSNE(context.Background(), codes, units, opt); err == nil {
			t.Errorf("%+v gave no error", opt)
		}
	}
}
