package data

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// maxNear is how many names Near gives at most.
const maxNear = 3

// Near returns the names, of those given, that name may have been meant to be, the nearest
// first; nil if none is near. Upper and lower case are one here, and all but letters and
// digits is overlooked. What counts is the edit distance (Levenshtein 1966), of at most
// a third of the letters, else that the names begin alike or the one holds the other.
func Suggest(name string, names []string) []string {
	type candidate struct {
		name     string
		distance int
	}
	var found []candidate
	a := letters(name)
	if len(a) == 0 || len(a) > 100 {
		return nil
	}
	for _, n := range names {
		b := letters(n)
		switch d := distance(a, b); {
		case d <= max(len(a), len(b))/3:
			found = append(found, candidate{n, d})
		case prefix(a, b) >= 4:
			found = append(found, candidate{n, 50 + d})
		case len(a) >= 3 && len(b) >= 3 && (strings.Contains(string(a), string(b)) || strings.Contains(string(b), string(a))):
			found = append(found, candidate{n, 100 + d})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(a.distance, b.distance) })
	var out []string
	for _, c := range found[:min(len(found), maxNear)] {
		out = append(out, c.name)
	}
	return out
}

// letters returns the letters and digits of a name, in small letters.
func letters(name string) []rune {
	var out []rune
	for _, r := range name {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			out = append(out, unicode.ToLower(r))
		}
	}
	return out
}

// prefix returns how many letters a and b begin with alike.
func prefix(a, b []rune) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// distance returns the least number of letters put in, taken out or changed that makes b of a.
func distance(a, b []rune) int {
	row := make([]int, len(b)+1) // from the first i letters of a to the first j of b
	for j := range row {
		row[j] = j
	}
	for i, x := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j, y := range b {
			change := diagonal
			if x != y {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
