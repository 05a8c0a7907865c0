package viz

import (
	"math"
	"strconv"
	"strings"
)

// A tick is a marked value of an axis and its label.
type tick struct {
	v    float64
	text string
}

// niceTicks returns about want ticks inside [lo, hi], at multiples of 1, 2 or 5 times a
// power of ten.
func niceTicks(lo, hi float64, want int) []tick {
	return ticksAt(lo, hi, niceStep(lo, hi, want))
}

// wholeTicks returns ticks as niceTicks does, all of them whole numbers.
func wholeTicks(lo, hi float64, want int) []tick {
	return ticksAt(lo, hi, max(1, niceStep(lo, hi, want)))
}

// ticksAt returns the ticks inside [lo, hi] at the multiples of step.
func ticksAt(lo, hi, step float64) []tick {
	digits := max(0, -int(math.Floor(math.Log10(step)+1e-9)))
	var ts []tick
	for k := math.Ceil(lo/step - 1e-9); k*step <= hi+1e-9*step && len(ts) < 100; k++ {
		ts = append(ts, tick{k * step, number(k*step, digits)})
	}
	return ts
}

func niceStep(lo, hi float64, want int) float64 {
	raw := (hi - lo) / float64(max(want, 1))
	if !(raw > 0) || math.IsInf(raw, 0) {
		return 1
	}
	p := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 5} {
		if m*p >= raw*(1-1e-9) {
			return m * p
		}
	}
	return 10 * p
}

// logTicks returns ticks inside [lo, hi], both above 0: the powers of ten, with 2 and 5
// times them where there are few, or linear ticks within less than a factor of three.
func logTicks(lo, hi float64, want int) []tick {
	if hi/lo < 3 {
		return niceTicks(lo, hi, want)
	}
	mult := []float64{1}
	if math.Log10(hi/lo) < float64(want)/2 {
		mult = []float64{1, 2, 5}
	}
	skip := max(1, int(math.Ceil(math.Log10(hi/lo)/float64(want+1))))
	var ts []tick
	for e := math.Floor(math.Log10(lo)); e <= math.Ceil(math.Log10(hi)); e++ {
		if int(e)%skip != 0 {
			continue
		}
		for _, m := range mult {
			v := m * math.Pow(10, e)
			if v < lo*(1-1e-9) || v > hi*(1+1e-9) {
				continue
			}
			text := number(v, max(0, -int(e)))
			if e >= 6 || e <= -4 {
				text = exponent(v, 0)
			}
			ts = append(ts, tick{v, text})
		}
	}
	return ts
}

// number returns v with a fixed number of decimals, a true minus sign, and commas
// between thousands from 10,000 up. From 10¹⁵ it uses an exponent.
func number(v float64, digits int) string {
	if math.Abs(v) >= 1e15 {
		return exponent(v, 2)
	}
	s := strconv.FormatFloat(math.Abs(v), 'f', digits, 64)
	whole, frac, _ := strings.Cut(s, ".")
	if len(whole) > 4 {
		for i := len(whole) - 3; i > 0; i -= 3 {
			whole = whole[:i] + "," + whole[i:]
		}
	}
	if frac != "" {
		whole += "." + frac
	}
	if v < 0 && strings.Trim(s, "0.") != "" {
		return "−" + whole
	}
	return whole
}

// short returns v with four significant digits, for the label at the end of a curve.
func short(v float64) string {
	a := math.Abs(v)
	switch {
	case a != 0 && a < 1e-3:
		return exponent(v, 1)
	case a < 1:
		return number(v, 4)
	case a < 10:
		return number(v, 3)
	case a < 100:
		return number(v, 2)
	case a < 1000:
		return number(v, 1)
	}
	return number(v, 0)
}

// exponent returns v in the form 1.2e−5.
func exponent(v float64, digits int) string {
	m, e, found := strings.Cut(strconv.FormatFloat(v, 'e', digits, 64), "e")
	if !found { // not finite
		return m
	}
	n, _ := strconv.Atoi(e) // "+06"
	return strings.ReplaceAll(m+"e"+strconv.Itoa(n), "-", "−")
}
