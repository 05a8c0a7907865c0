package kernel

// A Unit is one of the units of a processor that multiply and add vectors of float32.
//
// Rounds computes n rounds of c ← c·x + y in Round/2 accumulators that start at y, and returns their sum. It reads no memory, and
// its independent vectors hide the latency of an FMA, so its speed is an upper bound for that of a matrix product on this
// processor. Use 0 < x < 1 and y > 0, so that the numbers are finite and not denormal.
type Unit struct {
	Name   string // of its instructions: "avx2"
	Round  int    // the floating-point operations of a round
	Rounds func(n int, x, y float32) float32
	Read   func(x []float32) float32 // loads and adds up a slice, faster than any kernel: it measures caches
}

// FMAUnits returns the units that kernels use on this processor, the widest last. Measure each of them: on some processors a
// wider one is no faster.
func FMAUnits() []Unit { return fmaUnits() }

// FMAUnit returns the widest unit.
func FMAUnit() Unit {
	units := fmaUnits()
	return units[len(units)-1]
}

// genericUnit is plain Go.
var genericUnit = Unit{"generic", 12 * 8 * 2, fmaRoundsGeneric, Sum}

// fmaRoundsGeneric rounds products and sums, where the assembly rounds once.
func fmaRoundsGeneric(n int, x, y float32) float32 {
	var sum float32
	for range 12 {
		a, b, c, d, e, f, g, h := y, y, y, y, y, y, y, y
		for range n {
			a, b, c, d = float32(a*x)+y, float32(b*x)+y, float32(c*x)+y, float32(d*x)+y
			e, f, g, h = float32(e*x)+y, float32(f*x)+y, float32(g*x)+y, float32(h*x)+y
		}
		sum += a + b + c + d + e + f + g + h
	}
	return sum
}
