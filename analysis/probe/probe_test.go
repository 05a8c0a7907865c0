package probe

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/engine/rng"
)

var background = context.Background()

// near fails unless got equals want within tol; NaN fails.
func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("%s = %v, want %v ± %v", what, got, want, tol)
	}
}

// fails checks that err contains that text.
func fails(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("error %v, want %q", err, text)
	}
}

func fitLogistic(ctx context.Context, x []float32, y []int32, d, k int, l2 float64) (*Logistic, error) {
	f, err := NewFeatures(x, d)
	if err != nil {
		return nil, err
	}
	return f.Logistic(ctx, y, k, l2)
}

// TestLogisticClosedForm compares with a closed form: three of four rows with x = 1
// have class 1, three of four with x = −1 class 0. By symmetry W = (−u, u), p = σ(2u),
// and where the gradient is 0, l2·u = ¾ − p.
func TestLogisticClosedForm(t *testing.T) {
	x := []float32{1, 1, 1, 1, -1, -1, -1, -1}
	y := []int32{1, 1, 1, 0, 0, 0, 0, 1}
	for _, l2 := range []float64{1e-9, 0.1, 1} {
		l, err := fitLogistic(background, x, y, 1, 2, l2)
		if err != nil {
			t.Fatal(err)
		}
		p, err := l.Probs([]float32{1, -1})
		if err != nil {
			t.Fatal(err)
		}
		u := math.Log(p[1]/p[0]) / 2
		near(t, "l2·u", l2*u, 0.75-p[1], 1e-5)
		near(t, "p(1|1) + p(1|−1)", p[1]+p[3], 1, 1e-5)
		near(t, "p(0|1) + p(1|1)", p[0]+p[1], 1, 1e-12)
	}
}

// TestLogisticFrequencies fits a saturated model, with an indicator for each of three
// cells: its probabilities are the frequencies. The fourth feature is constant.
func TestLogisticFrequencies(t *testing.T) {
	counts := [3][3]int{{5, 3, 2}, {1, 8, 1}, {2, 2, 6}}
	var x []float32
	var y []int32
	for cell, row := range counts {
		for class, n := range row {
			for range n {
				one := []float32{0, 0, 0, 7}
				one[cell] = 1
				x, y = append(x, one...), append(y, int32(class))
			}
		}
	}
	l, err := fitLogistic(background, x, y, 4, 3, 1e-10)
	if err != nil {
		t.Fatal(err)
	}
	p, err := l.Probs([]float32{1, 0, 0, 7, 0, 1, 0, 7, 0, 0, 1, 7})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range p {
		near(t, "p", v, float64(counts[i/3][i%3])/10, 1e-4)
	}
	got, err := l.Predict([]float32{1, 0, 0, 7, 0, 1, 0, 7, 0, 0, 1, 7})
	if err != nil || !slices.Equal(got, []int32{0, 1, 2}) {
		t.Errorf("predicted %v, %v; want 0 1 2", got, err)
	}
}

// TestLogisticGradient compares the gradient, over more than one block of rows, with
// central differences.
func TestLogisticGradient(t *testing.T) {
	const n, d, k = blockRows + 37, 3, 4
	x, w := make([]float32, n*d), make([]float32, (d+1)*k)
	rng.New(1).Normal(x)
	rng.New(2).Normal(w)
	y := make([]int32, n)
	for i := range y {
		y[i] = int32(i*7) % k
	}
	features, err := NewFeatures(x, d)
	if err != nil {
		t.Fatal(err)
	}
	f := newLogisticFit(&Logistic{d: d, k: k, mean: features.mean, by: features.by}, x, y, 0.3)
	at := make([]float64, len(w))
	for i, v := range w {
		at[i] = float64(v)
	}
	_, g := f.loss(at)
	grad := slices.Clone(g)
	const h = 1e-5
	for i := range at {
		was := at[i]
		at[i] = was + h
		up, _ := f.loss(at)
		at[i] = was - h
		down, _ := f.loss(at)
		at[i] = was
		near(t, "gradient", grad[i], (up-down)/(2*h), 1e-8)
	}
}

func TestLogisticRefuses(t *testing.T) {
	_, err := fitLogistic(background, []float32{1, float32(math.NaN())}, []int32{0, 1}, 1, 2, 1)
	fails(t, err, "feature 0 of row 1 is NaN")
	_, err = fitLogistic(background, []float32{1, 2, 3}, []int32{0, 1}, 2, 2, 1)
	fails(t, err, "3 values are not rows of 2 features")
	_, err = fitLogistic(background, []float32{1, 2}, []int32{0, 2}, 1, 2, 1)
	fails(t, err, "label 2 of row 1 is outside [0, 2)")
	_, err = fitLogistic(background, []float32{1, 2}, []int32{0, 1}, 1, 2, 0)
	fails(t, err, "l2 0")
	ctx, cancel := context.WithCancel(background)
	cancel()
	if _, err := fitLogistic(ctx, []float32{1, 2}, []int32{0, 1}, 1, 2, 1); err != context.Canceled {
		t.Errorf("cancelled: %v", err)
	}
}

// TestNearest compares with distances computed one by one in float64, over several
// blocks of rows and queries.
func TestNearest(t *testing.T) {
	const n, m, d, classes = 2*blockRows + 11, 150, 5, 4
	x, q := make([]float32, n*d), make([]float32, m*d)
	rng.New(3).Normal(x)
	rng.New(4).Normal(q)
	y := make([]int32, n)
	for i := range y {
		y[i] = int32(i*i) % classes
	}
	for _, k := range []int{1, 5, 20} {
		near, err := Nearest(background, x, q, d, k)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Majority(near, k, y)
		if err != nil {
			t.Fatal(err)
		}
		for j := range m {
			order, distance := make([]int, n), make([]float64, n)
			for i := range n {
				order[i] = i
				for u := range d {
					e := float64(x[i*d+u]) - float64(q[j*d+u])
					distance[i] += e * e
				}
			}
			slices.SortFunc(order, func(a, b int) int {
				if distance[a] < distance[b] {
					return -1
				}
				return 1
			})
			for r, i := range order[:k] {
				if near[j*k+r] != int32(i) {
					t.Fatalf("k=%d, query %d: neighbour %d is row %d, want %d", k, j, r, near[j*k+r], i)
				}
			}
			votes := map[int32]int{}
			most := 0
			for _, i := range order[:k] {
				votes[y[i]]++
				most = max(most, votes[y[i]])
			}
			want := int32(-1)
			for _, i := range order[:k] {
				if votes[y[i]] == most {
					want = y[i]
					break
				}
			}
			if got[j] != want {
				t.Errorf("k=%d, query %d: class %d, want %d", k, j, got[j], want)
			}
		}
	}
	_, err := Nearest(background, x[:2*d], q, d, 3)
	fails(t, err, "3 of 2 rows")
	_, err = Majority([]int32{0}, 1, []int32{-1})
	fails(t, err, "label -1 of row 0 is outside [0, 0)")
	_, err = Majority([]int32{0, 2}, 1, []int32{0, 1})
	fails(t, err, "row 2 of 2")
	_, err = Majority([]int32{0, 1, 0}, 2, []int32{0, 1})
	fails(t, err, "3 rows are not 2 for each query")
}

func TestRanking(t *testing.T) {
	for _, tt := range []struct {
		name         string
		scores       []float64
		positive     []bool
		auroc, auprc float64
	}{
		// The example of scikit-learn's roc_auc_score and average_precision_score.
		{"four", []float64{0.1, 0.4, 0.35, 0.8}, []bool{false, false, true, true}, 0.75, 1.0/2 + 1.0/2*2/3},
		{"perfect", []float64{3, 1, 2, -1}, []bool{true, false, true, false}, 1, 1},
		{"reversed", []float64{1, 2, 3, 4}, []bool{true, true, false, false}, 0, 1.0/2/3 + 2.0/4/2},
		{"all tied", []float64{5, 5, 5, 5, 5}, []bool{true, false, false, true, false}, 0.5, 0.4},
		{"a tie", []float64{2, 1, 1, 0}, []bool{true, true, false, false}, (2 + 1.5) / 4, 1.0/2 + 1.0/2*2/3},
		{"infinite", []float64{math.Inf(1), 1, math.Inf(-1)}, []bool{true, false, false}, 1, 1},
	} {
		a, err := AUROC(tt.scores, tt.positive)
		if err != nil {
			t.Fatal(err)
		}
		p, err := AUPRC(tt.scores, tt.positive)
		if err != nil {
			t.Fatal(err)
		}
		near(t, tt.name+": AUROC", a, tt.auroc, 1e-12)
		near(t, tt.name+": AUPRC", p, tt.auprc, 1e-12)
	}
	_, err := AUROC([]float64{1, 2}, []bool{true, true})
	fails(t, err, "2 of 2 rows are positive")
	_, err = AUPRC([]float64{1, math.NaN()}, []bool{true, false})
	fails(t, err, "the score of row 1 is NaN")
	_, err = AUROC([]float64{1}, nil)
	fails(t, err, "1 scores for 0 rows")
}

// TestAUROCIsPairs compares AUROC with the share of pairs that are in order.
func TestAUROCIsPairs(t *testing.T) {
	bits := make([]uint32, 400)
	rng.New(5).Bits(bits)
	var scores []float64
	var positive []bool
	for i := 0; i < len(bits); i += 2 {
		scores, positive = append(scores, float64(bits[i]%20)), append(positive, bits[i+1]%3 == 0)
	}
	won, pairs := 0.0, 0.0
	for i, p := range positive {
		for j, q := range positive {
			if p && !q {
				pairs++
				switch {
				case scores[i] > scores[j]:
					won++
				case scores[i] == scores[j]:
					won += 0.5
				}
			}
		}
	}
	got, err := AUROC(scores, positive)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "AUROC", got, won/pairs, 1e-12)
}

// TestAssign compares with all possible assignments.
func TestAssign(t *testing.T) {
	key := rng.New(6)
	for trial := range 200 {
		bits := make([]uint32, 32)
		key.At(uint64(trial)).Bits(bits)
		r, c := int(bits[0]%5)+1, int(bits[1]%5)+1
		cost := make([][]float64, r)
		for i := range cost {
			cost[i] = make([]float64, c)
			for j := range cost[i] {
				cost[i][j] = float64(bits[2+i*c+j]%12) - 6 // ties are common
			}
		}
		got, taken, sum, matched := assign(cost), map[int]bool{}, 0.0, 0
		for i, j := range got {
			if j >= 0 {
				if taken[j] {
					t.Fatalf("%v: %v takes column %d twice", cost, got, j)
				}
				taken[j] = true
				matched++
				sum += cost[i][j]
			}
		}
		if matched != min(r, c) {
			t.Fatalf("%v: %v matches %d, want %d", cost, got, matched, min(r, c))
		}
		near(t, "cost", sum, cheapest(cost, 0, map[int]bool{}, min(r, c)), 1e-9)
	}
}

// cheapest returns the least cost of assigning want of the rows from i on to columns that are not taken.
func cheapest(cost [][]float64, i int, taken map[int]bool, want int) float64 {
	if want == 0 {
		return 0
	}
	if len(cost)-i < want {
		return math.Inf(1)
	}
	best := cheapest(cost, i+1, taken, want)
	for j, v := range cost[i] {
		if !taken[j] {
			taken[j] = true
			best = min(best, v+cheapest(cost, i+1, taken, want-1))
			delete(taken, j)
		}
	}
	return best
}

func TestClusters(t *testing.T) {
	labels := []int32{0, 0, 1, 1, 2, 2, 2, 0}
	renamed := make([]int32, len(labels))
	for i, l := range labels {
		renamed[i] = (l + 1) % 3
	}
	acc, class, err := ClusterAccuracy(renamed, labels, 3, 3)
	if err != nil || acc != 1 || !slices.Equal(class, []int{2, 0, 1}) {
		t.Errorf("renamed classes: %v, %v, %v; want 1 and 2 0 1", acc, class, err)
	}
	// A cluster too many: the smaller half of class 0 is wrong, and stands for nothing.
	acc, class, err = ClusterAccuracy([]int32{0, 0, 1, 2, 2}, []int32{0, 0, 0, 1, 1}, 3, 2)
	if err != nil || acc != 0.8 || !slices.Equal(class, []int{0, -1, 1}) {
		t.Errorf("three clusters of two classes: %v, %v, %v; want 0.8 and 0 -1 1", acc, class, err)
	}
	// Greedy would give cluster 0 class 0, and lose.
	acc, _, err = ClusterAccuracy([]int32{0, 0, 0, 0, 0, 1, 1, 1, 1}, []int32{0, 0, 0, 1, 1, 0, 0, 0, 0}, 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "accuracy", acc, 6.0/9, 1e-12)
	_, _, err = ClusterAccuracy([]int32{3}, []int32{0}, 3, 1)
	fails(t, err, "label 3 of row 0")

	nmi, err := NMI(renamed, labels, 3, 3)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "NMI of renamed classes", nmi, 1, 1e-12)
	nmi, _ = NMI([]int32{0, 0, 1, 1}, []int32{0, 1, 0, 1}, 2, 2)
	near(t, "NMI of independent divisions", nmi, 0, 1e-12)
	nmi, _ = NMI([]int32{0, 0}, []int32{1, 1}, 1, 2)
	near(t, "NMI of single parts", nmi, 1, 0)
	// Counts ((3, 1), (1, 3)): I = ln 2 − H(¼).
	nmi, _ = NMI([]int32{0, 0, 0, 0, 1, 1, 1, 1}, []int32{0, 0, 0, 1, 0, 1, 1, 1}, 2, 2)
	near(t, "NMI", nmi, 1+(0.25*math.Log(0.25)+0.75*math.Log(0.75))/math.Ln2, 1e-12)
}

func TestConfusion(t *testing.T) {
	got, err := Confusion([]int32{0, 1, 1, 0}, []int32{2, 0, 0, 1}, 2, 3)
	if err != nil || !slices.Equal(got[0], []int{0, 1, 1}) || !slices.Equal(got[1], []int{2, 0, 0}) {
		t.Errorf("%v, %v", got, err)
	}
	near(t, "accuracy", Accuracy([]int32{0, 1, 1, 2}, []int32{0, 1, 2, 2}), 0.75, 0)
}
