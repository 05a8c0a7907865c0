package english

import (
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
