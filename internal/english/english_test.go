package english

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestThousands(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -100: "-100"} {
		if got := Thousands(v); got != want {
			t.Errorf("%v is written %s, want %s", v, got, want)
		}
	}
}

func TestPlural(t *testing.T) {
	for n, want := range map[int]string{0: "0 epochs", 1: "1 epoch", 2000: "2,000 epochs"} {
		if got := Plural(n, "epoch"); got != want {
			t.Errorf("%d is written %s, want %s", n, got, want)
		}
	}
}

func TestAbout(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "1 second", 1600 * time.Millisecond: "2 seconds", 119 * time.Second: "119 seconds",
		2 * time.Minute: "2 minutes", 50 * time.Minute: "50 minutes", 30 * time.Hour: "30 hours",
	} {
		if got := About(d); got != want {
			t.Errorf("%v is written %s, want %s", d, got, want)
		}
	}
}

func TestDistinct(t *testing.T) {
	for _, tt := range []struct {
		v    []float64
		want string
	}{
		{[]float64{-2.711161, 3.751634}, "-2.71116 3.75163"},
		{[]float64{1, 1}, "1 1"},
		{[]float64{1700000000, 1700000100}, "1700000000 1700000100"},
		{[]float64{9007199254740992, 9007199254740991}, "9007199254740992 9007199254740991"},
		{[]float64{math.NaN(), math.NaN()}, "NaN NaN"},
	} {
		if got := strings.Join(Distinct(tt.v...), " "); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.v, got, tt.want)
		}
	}
}

func TestSome(t *testing.T) {
	if got := Some([]string{"a", "b"}); got != "a, b" {
		t.Error(got)
	}
	if got := Some(strings.Split("123456789", "")); got != "1, 2, 3, 4, 5, 6, 7, 8, … (9 in all)" {
		t.Error(got)
	}
}
