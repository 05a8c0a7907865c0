package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/models/model"
)

// atLeast checks a whole number given as --name.
func atLeast(name string, n, least int) error {
	if n < least {
		return fmt.Errorf("--%s %d: want %d or more", name, n, least)
	}
	return nil
}

// oneOf checks a word given as --name.
func oneOf(name, word string, words ...string) error {
	for _, w := range words {
		if w == word {
			return nil
		}
	}
	return fmt.Errorf("--%s %q: want %s", name, word, strings.Join(words, " or "))
}

func threadsFlag(c *cobra.Command, n *int) {
	c.Flags().IntVar(n, "threads", 0, "`number` of threads; 0 is one for each processor")
}

// usualLabels is how many classes images have of which nothing else is said: as many as there are digits.
const defaultLabels = 10

// maxSide bounds the rows and columns that --shape may name.
const maxSide = 4096

// parseShape reads rows, columns and channels: 28x28x1, or 28x28 for grey.
func parseShape(s string) (model.Image, error) {
	img := model.Image{C: 1}
	bad := fmt.Errorf("--shape %q: want rows x columns x channels, as 28x28x1, up to %d rows and columns, and 1 or 3 channels", s, maxSide)
	parts := strings.Split(s, "x")
	if len(parts) < 2 || len(parts) > 3 {
		return img, bad
	}
	for i, to := range []*int{&img.H, &img.W, &img.C}[:len(parts)] {
		n, err := strconv.Atoi(parts[i])
		if err != nil || n < 1 || n > maxSide {
			return img, bad
		}
		*to = n
	}
	if img.C != 1 && img.C != 3 {
		return img, bad
	}
	return img, nil
}
