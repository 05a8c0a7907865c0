package kernel

// FMARound is how many floating-point operations one round of FMARounds is: a
// multiplication and an addition in each of 12 chains of 8.
const FMARound = 12 * 8 * 2

// FMARounds runs n rounds of c ← c·x + y in 96 accumulators that start from y, as
// fast as the processor can: nothing is read from memory, and 12 independent
// vectors hide the latency of an FMA on every processor whose units take up to 12
// of them. It returns the sum of the accumulators, so that nothing can be left
// out. How long it takes is the most that a product can attain; |x| < 1 keeps the
// numbers finite, x > 0 and y > 0 away from subnormals.
func FMARounds(n int, x, y float32) float32 { return fmaRounds(n, x, y) }

// fmaRoundsGeneric rounds twice where the assembly rounds once.
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
