package data

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// maxNear is the largest number of names that Suggest returns.
const maxNear = 3

// DidYouMean returns the names similar to name in words, as ` (did you mean mnist?)`; nothing
// if there are none. It follows a name in an error.
func DidYouMean(name string, names []string) string {
	near := Suggest(name, names)
	if len(near) == 0 {
		return ""
	}
	return " (did you mean " + strings.Join(near, " or ") + "?)"
}

// Suggest returns the names, of those given, that are similar to name, the most similar
// first; nil if none is. Upper and lower case are not distinguished, and only letters
// and digits count. Similar means: an edit distance (Damerau 1964) of at most a third
//
//	of the letters, or else four equal first letters, or else that one name
//
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
// deletions and substitutions of one letter (Levenshtein 1966) and of exchanges of two
// neighbouring ones (Damerau 1964), no letter being edited twice.
func distance(a, b []rune) int {
	rows := make([][]int, len(a)+1) // rows[i][j]: from the first i letters of a to the first j of b
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range b {
		rows[0][j+1] = j + 1
	}
	for i, x := range a {
		for j, y := range b {
			d := rows[i][j]
			if x != y {
				d++
			}
			d = min(d, rows[i][j+1]+1, rows[i+1][j]+1)
			if i > 0 && j > 0 && x == b[j-1] && a[i-1] == y {
				d = min(d, rows[i-1][j-1]+1)
			}
			rows[i+1][j+1] = d
		}
	}
	return rows[len(a)][len(b)]
}
