package data

import (
	"os"
	"strings"
)

// MirrorURLs returns the addresses from which a file of a named set can be fetched, in
// the order in which they should be tried. Each base is the address of a directory. If
// $IMAGO_MIRROR is set, it replaces bases: one or more addresses, separated by spaces
// or commas, each with one directory for every set.
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
