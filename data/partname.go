package data

import "strings"

// partNames are the words by which files and directories say which part of a set they are.
var partNames = map[string]string{
	"train": "train", "training": "train",
	"test": "test", "testing": "test",
	"val": "val", "valid": "val", "validation": "val", "dev": "val",
}

// PartNamed returns the part of a set that a word in the name of a file or of a directory means, in large or small letters:
// "train", "val" or "test"; "" is none.
func PartNamed(word string) string { return partNames[strings.ToLower(word)] }
