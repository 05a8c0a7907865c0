// Package english writes numbers, counts and times in messages: 12,345 and 1 epoch, 2 epochs.
//
// The package knows no other package of the project.
package english

import (
	"math"
	"strconv"
	"time"
)

// Thousands returns v rounded to a whole number, with a comma between thousands:
// 12,345.
func Thousands(v float64) string {
	s := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Plural returns a count of things whose name takes an s: 1 epoch, 2,000 epochs.
func Plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return Thousands(float64(n)) + " " + one + "s"
}

// About returns an estimated time in a unit of which there are two or more: 40 seconds, 50
// minutes, 3 hours. Less than a second is 1 second.
func About(d time.Duration) string {
	count, unit := max(1, d.Seconds()), "second"
	if count >= 120 {
		count, unit = count/60, "minute"
		if count >= 120 {
			count, unit = count/60, "hour"
		}
	}
	return Plural(int(math.Round(count)), unit)
}
