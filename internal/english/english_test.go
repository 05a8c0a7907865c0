package english

import "testing"

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
