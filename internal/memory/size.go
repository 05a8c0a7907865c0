package memory

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Bytes returns a number of bytes for a message: 640 kB, 13.2 GB, in powers of 1000.
func Bytes(n int64) string {
	v, unit := float64(n), 0
	for v >= 999.5 && unit < len(units)-1 {
		v /= 1000
		unit++
	}
	if unit == 0 {
		return fmt.Sprintf("%d bytes", n)
	}
	if v < 99.95 {
		return fmt.Sprintf("%.1f %s", v, units[unit])
	}
	return fmt.Sprintf("%.0f %s", v, units[unit])
}

var units = []string{"", "kB", "MB", "GB", "TB", "PB", "EB"}

// Size returns a number of bytes, rounded up, as ParseSize reads it: 4GB.
func Size(n int64) string {
	v, unit := float64(n), 2
	for v /= 1e6; v >= 1000 && unit < len(units)-1; v /= 1000 {
		unit++
	}
	return strconv.FormatFloat(math.Ceil(v), 'f', 0, 64) + units[unit]
}

var size = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?) ?([KMGT])(I?)B?$`)

// ParseSize reads a number of bytes: 4GB, 512MB or 1.5 TB in powers of 1000, 4GiB in powers of 1024. The unit must be
// given, at least as 4G.
func ParseSize(s string) (int64, error) {
	m := size.FindStringSubmatch(strings.ToUpper(strings.TrimSpace(s)))
	if m == nil {
		return 0, fmt.Errorf("memory: size %q: want a number with its unit, as 4GB or 512MB", s)
	}
	v, err := strconv.ParseFloat(m[1], 64)
	base := 1000.0
	if m[3] != "" {
		base = 1024
	}
	v *= math.Pow(base, float64(1+strings.Index("KMGT", m[2])))
	if err != nil || v < 1e6 || v > math.MaxInt64/2 {
		return 0, fmt.Errorf("memory: size %q: want 1MB or more, as 4GB or 512MB", s)
	}
	return int64(v), nil
}
