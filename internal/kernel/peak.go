package kernel

// FMARound is the number of floating-point operations of one round of FMARounds: a multiplication and an addition in 12 chains
// of 8 numbers.
const FMARound = 12 * 8 * 2

// FMARounds computes n rounds of c ← c·x + y in 96 accumulators that start at y, and returns their sum. It reads no memory, and
// its 12 independent vectors hide the latency of an FMA, so its speed is an upper bound for that of a matrix product on this
// processor. Use 0 < x < 1 and y > 0, so that the numbers are finite and not denormal.
func FMARounds(n int, x, y float32) float32 { return fmaRounds(n, x, y) }

// fmaRoundsGeneric rounds products and sums, where the assembly rounds once.
func fmaRoundsGeneric(n int, x, y float32) float32 {
	var sum float32
	for range FMARound / 2 / 8 {
		a, b, c, d, e, f, g, h := y, y, y, y, y, y, y, y
		for range n {
			a, b, c, d = float32(a*x)+y, float32(b*x)+y, float32(c*x)+y, float32(d*x)+y
			e, f, g, h = float32(e*x)+y, float32(f*x)+y, float32(g*x)+y, float32(h*x)+y
		}
		sum += a + b + c + d + e + f + g + h
	}
	return sum
}
