package medium

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Noun returns what messages call one item: what a method Noun of its medium returns, as
// "image" or "row"; else "item".
func Noun(it Item) string {
	if m, ok := it.Medium.(interface{ Noun() string }); ok {
		return m.Noun()
	}
	return "item"
}

// ValueNoun returns what messages call one value of an item: what a method ValueNoun of its
// medium returns, as "pixel"; else "value".
func ValueNoun(it Item) string {
	if m, ok := it.Medium.(interface{ ValueNoun() string }); ok {
		return m.ValueNoun()
	}
	return "value"
}

// imageWords matches the words of a text about images that depend on the medium, with the
// article before.
var imageWords = regexp.MustCompile(`(?:\b([Aa])n? )?([Ii]mage|[Pp]ixel)(s?)`)

// Reword returns text, which is about images and their pixels, as text about items of another
// medium: its Noun and ValueNoun stand for image and pixel, also in the plural and with an
// article. Names of options and metrics, as --pixels and memorised_pixels_40, are left alone.
// A caller rewords its own text before it puts names of users into it.
func Reword(it Item, text string) string {
	noun, value := Noun(it), ValueNoun(it)
	if noun == "image" && value == "pixel" {
		return text
	}
	var b strings.Builder
	at := 0
	for _, m := range imageWords.FindAllStringSubmatchIndex(text, -1) {
		if isName(text, m[4], m[1]) {
			continue
		}
		word := noun
		if unicode.ToLower(rune(text[m[4]])) == 'p' {
			word = value
		}
		b.WriteString(text[at:m[0]])
		if m[2] >= 0 { // the article
			b.WriteString(text[m[2]:m[3]])
			if strings.ContainsRune("aeiou", rune(word[0])) {
				b.WriteByte('n')
			}
			b.WriteByte(' ')
		}
		if unicode.IsUpper(rune(text[m[4]])) {
			word = strings.ToUpper(word[:1]) + word[1:]
		}
		b.WriteString(word)
		b.WriteString(text[m[6]:m[7]])
		at = m[1]
	}
	return b.String() + text[at:]
}

// isName reports whether text[from:to] is part of a longer word, or of a name such as an
// option has.
func isName(text string, from, to int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:from])
	after, _ := utf8.DecodeRuneInString(text[to:])
	sum := strings.HasSuffix(text[:from], "Σ_") // a formula
	return unicode.IsLetter(before) || before == '-' || before == '{' || before == '_' && !sum || unicode.IsLetter(after) || unicode.IsDigit(after) || after == '_' || after == '-'
}
