package data

import (
	"os"
	"strings"
)

// MirrorURLs returns the addresses at which a file of a named set is to be had, in
// the order to be tried. Each base is the address of a directory. If
// $IMAGO_MIRROR is set, it takes the place of bases: one or more addresses, with
// spaces or commas between, below each of which lies a directory for every set.
func MirrorURLs(set, file string, bases []string) []string {
	if env := strings.FieldsFunc(os.Getenv("IMAGO_MIRROR"), func(r rune) bool { return r == ',' || r == ' ' }); len(env) > 0 {
		bases = nil
		for _, e := range env {
			bases = append(bases, strings.TrimSuffix(e, "/")+"/"+set)
		}
	}
	var urls []string
	for _, b := range bases {
		urls = append(urls, strings.TrimSuffix(b, "/")+"/"+file)
	}
	return urls
}
