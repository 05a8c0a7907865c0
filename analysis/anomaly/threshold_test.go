package anomaly

import (
	"bytes"
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/table"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/models/vae"
)

func TestThresholds(t *testing.T) {
	values := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	anomalous := []bool{false, false, false, false, false, false, true, false, true, true}
	got, err := BestF1(values, anomalous) // 7 and above: 3 of 4 found are right, all 3 found: 6/7
	if err != nil || got.Value != 6.5 || !strings.Contains(got.Rule, "0.857") {
		t.Errorf("F1: %v, %v; want 6.5 and 0.857", got, err)
	}
	for rate, want := range map[float64]float64{0: 8, 0.15: 6, 0.3: 5} {
		got, err := FalseAlarms(values, anomalous, rate)
		if err != nil || got.Value != want {
			t.Errorf("false alarms at %v: %v, %v; want %v", rate, got, err, want)
		}
	}
	if _, err := BestF1(values, make([]bool, 10)); err == nil {
		t.Error("a threshold without an anomalous item")
	}
	if _, err := FalseAlarms(values, anomalous, 1); err == nil {
		t.Error("a false-alarm rate of 1")
	}
	same, err := BestF1([]float64{1, 1, 1}, []bool{true, false, true}) // all or none
	if err != nil || !(same.Value < 1) || !(same.Value > 0.999) {
		t.Errorf("equal scores: %v, %v", same, err)
	}
}

// rows returns n rows of two columns, normal and constant, as a table of training rows, and the same table with a value
// of each row of values in place of the normal one or, if column is 1, of the constant one.
func rows(t *testing.T, n, column int, values ...float64) (train, test data.Items) {
	t.Helper()
	noise := make([]float32, n)
	rng.New(9).Normal(noise)
	var all []float64
	for _, v := range noise {
		all = append(all, float64(v), 5)
	}
	open := func(v []float64, like data.Options) *data.Set {
		like.Whole = true
		set, err := table.Tabulate(context.Background(), "s", []string{"a", "b"}, table.Rows{Values: v}, table.Rows{}, nil, like)
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	set := open(all, data.Options{})
	var other []float64
	for _, v := range values {
		row := []float64{all[0], 5}
		row[column] = v
		other = append(other, row...)
	}
	return set.Train.Items, open(other, data.Options{Medium: set.Item().Medium}).Train.Items
}

// TestRangeScore checks that values beyond the range of training are scored in proportion to their distance, and those a
// little beyond it by little.
func TestRangeScore(t *testing.T) {
	train, test := rows(t, 2000, 0, 1e9, 100, 10, 3, -1e300, 0)
	tails, err := fitTails(context.Background(), train)
	if err != nil || len(tails) != 2 {
		t.Fatal(tails, err)
	}
	d := &Detector{fitted: fitted{Tails: tails}}
	got := d.beyond(test)
	columns := train.Item().Medium.(table.Medium).Columns
	lo, hi := columns[0].Min, columns[0].Max
	for i, v := range []float64{1e9, 100, 10} {
		if want := (v - hi) / (hi - lo) / tails[0].Above; !(math.Abs(got[i]-want) <= 1e-9*want) {
			t.Errorf("%v: %v nats, want %v", v, got[i], want)
		}
	}
	if got[3] != 0 || got[5] != 0 {
		t.Errorf("within the range: %v and %v nats, want 0", got[3], got[5])
	}
	if v := got[4]; !(v > 1e37) || math.IsInf(float64(float32(v)), 0) {
		t.Errorf("-1e300: %v nats, want as many as a float32 can hold", v)
	}
	// The mean excess of a normal column over its 99 % point is a third of a standard deviation.
	if beta := tails[0].Above * (hi - lo); !(beta > 0.2 && beta < 0.5) {
		t.Errorf("β %v, want about 1/3", beta)
	}
	if _, little := rows(t, 2000, 0, hi+0.02*(hi-lo)); !(d.beyond(little)[0] < 1) {
		t.Errorf("2 %% beyond the range: %v nats, want less than one", d.beyond(little)[0])
	}
	if _, changed := rows(t, 2000, 1, 5.05, 6); !slices.Equal(round(d.beyond(changed)), []float64{1, 20}) {
		t.Errorf("another value of a constant column: %v nats, want 1 and 20", d.beyond(changed))
	}
}

func round(v []float64) []float64 {
	out := slices.Clone(v)
	for i := range out {
		out[i] = math.Round(out[i]*1e6) / 1e6
	}
	return out
}

// TestReadDetector checks that a detector that was read scores as the one that was written, and that others are refused.
func TestReadDetector(t *testing.T) {
	ctx := context.Background()
	s, train, test := session(t, kind(vae.MLPVAE())), images(t, 60, 0), images(t, 5, 1)
	d, err := Fit(ctx, s, train, Options{Draws: 2, Components: 2, Key: rng.New(1)})
	if err != nil {
		t.Fatal(err)
	}
	d.Set, d.Digest = "photos", "0123"
	d.SetThreshold(ELBO, Threshold{12.5, "f1"})
	var file bytes.Buffer
	if err := d.Write(&file); err != nil {
		t.Fatal(err)
	}
	again, err := ReadDetector(bytes.NewReader(file.Bytes()), s)
	if err != nil {
		t.Fatal(err)
	}
	want, err := d.Score(ctx, test)
	if err != nil {
		t.Fatal(err)
	}
	got, err := again.Score(ctx, test)
	if err != nil {
		t.Fatal(err)
	}
	for k := range want {
		if !slices.Equal(got[k].Values, want[k].Values) {
			t.Errorf("%s: %v, want %v", want[k].Name, got[k].Values, want[k].Values)
		}
	}
	if again.Set != "photos" || again.Images != 60 || again.Options != d.Options {
		t.Errorf("%q of %d images, %v", again.Set, again.Images, again.Options)
	}
	if limit, err := again.Threshold(ELBO); err != nil || limit.Value != 12.5 {
		t.Errorf("threshold %v, %v; want 12.5", limit, err)
	}
	usual, err := again.Threshold(Combined)
	if err != nil || !strings.Contains(usual.Rule, "0.99") {
		t.Error(usual, err)
	}
	// Calibrated on normal images, a hundredth of them is above the threshold.
	held := images(t, 200, 0)
	if err := again.Calibrate(ctx, held); err != nil {
		t.Fatal(err)
	}
	limit, err := again.Threshold(Combined)
	if err != nil || !strings.Contains(limit.Rule, "200 held-out items") {
		t.Error(limit, err)
	}
	above := 0
	for _, v := range must(again.Score(ctx, held))[3].Values {
		if v > limit.Value {
			above++
		}
	}
	if above != 2 {
		t.Errorf("%d of 200 scores above the quantile 0.99, want 2", above)
	}
	changed := bytes.Replace(file.Bytes(), []byte(`"images":60`), []byte(`"images":61`), 1)
	if _, err := ReadDetector(bytes.NewReader(changed), s); !errors.Is(err, ErrFormat) {
		t.Errorf("a changed byte: %v", err)
	}
	if _, err := ReadDetector(bytes.NewReader(file.Bytes()), session(t, kind(vae.MLPAE()))); !errors.Is(err, ErrWeights) {
		t.Errorf("other weights: %v", err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
