// Package english writes numbers, counts and times in messages: 12,345 and 1 epoch, 2 epochs.
//
// The package knows no other package of the project.
package english

import (
	"fmt"
	"math"
	"strconv"
	"strings"
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

// Distinct returns the texts of numbers with 6 digits, or with as many more as different
// numbers need to be told apart.
func Distinct(values ...float64) []string {
	texts := make([]string, len(values))
	for digits := 6; ; digits++ {
		number, equal := map[string]float64{}, false
		for i, v := range values {
			texts[i] = strconv.FormatFloat(v, 'g', digits, 64)
			if digits > 6 && v == math.Trunc(v) && math.Abs(v) < 1e18 {
				texts[i] = strconv.FormatFloat(v, 'f', -1, 64)
			}
			other, seen := number[texts[i]]
			equal = equal || seen && other != v
			number[texts[i]] = v
		}
		if !equal || digits >= 17 {
			return texts
		}
	}
}

// Some returns names with commas between: all, or the first of many and how many there are.
func Some(names []string) string {
	const most = 8
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s, … (%d in all)", strings.Join(names[:most], ", "), len(names))
}
