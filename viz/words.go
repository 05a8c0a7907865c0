package viz

import "strings"

// figureWords are the title of a figure and, below it, a note: what numbers and marks mean,
// and where the figure comes from. Either may be "".
type figureWords struct{ title, note string }

// noteWidth is the room of a note beyond the width of a narrow figure.
const noteWidth = 420.0

// width returns the width that a figure needs for its words.
func (f figureWords) width() float64 {
	return max(titleText.width(f.title)+28, min(bodyText.width(f.note)+28, noteWidth))
}

// room returns the height of the words on a figure of width w, and the lines of the note.
func (f figureWords) room(w float64) (top float64, lines []string) {
	lines = wrap(bodyText, f.note, w-28, 3)
	top = 10
	if f.title != "" {
		top = 40
	}
	if len(lines) > 0 {
		top += 15*float64(len(lines)) + 1
		if f.title == "" {
			top += 6
		}
	}
	return top, lines
}

// draw writes the words at the top of a figure.
func (f figureWords) draw(s *surface, lines []string) {
	s.text(12, 26, titleText, shorten(titleText, f.title, s.w-20))
	y := 46.0
	if f.title == "" {
		y = 22
	}
	for i, line := range lines {
		s.text(12, y+15*float64(i), bodyText, line)
	}
}

// joined returns the parts that are not empty, with commas between.
func joined(parts ...string) string {
	var some []string
	for _, p := range parts {
		if p != "" {
			some = append(some, p)
		}
	}
	return strings.Join(some, ", ")
}
