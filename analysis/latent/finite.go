package latent

import "fmt"

// checkCodes returns the first number of codes, (N, Z), that is NaN or infinite as an error, in
// which what names the codes.
func checkCodes(what string, codes []float32, units int) error {
	return checkFinite(what, "unit", codes, units)
}

// checkFinite returns the first number that is NaN or infinite as an error. rows (N, width) belong
// to N codes; column is what one of their numbers is called.
func checkFinite(what, column string, rows []float32, width int) error {
	for i, v := range rows {
		if v-v != 0 { // ∞ − ∞ is NaN
			return fmt.Errorf("latent: %s: %s %d of code %d is %v, want finite numbers (both are counted from 0)", what, column, i%width, i/width, v)
		}
	}
	return nil
}
