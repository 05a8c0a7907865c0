package data

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// maxNear is the largest number of names that Suggest returns.
const maxNear = 3

// Suggest returns the names, of those given, that are similar to name, the most similar
// first; nil if none is. Upper and lower case are not distinguished, and only letters
// and digits count. Similar means: an edit distance (Levenshtein 1966) of at most a
// third of the letters, or else four equal first letters, or else that one name
// contains the other.
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

// letters returns the letters and digits of a name in lower case.
func letters(name string) []rune {
	var out []rune
	for _, r := range name {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			out = append(out, unicode.ToLower(r))
		}
	}
	return out
}

// prefix returns the length of the common prefix of a and b.
func prefix(a, b []rune) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// distance returns the edit distance of a and b: the least number of insertions,
// deletions and substitutions of one letter (Levenshtein 1966).
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
