package cli

import (
	"fmt"

	"github.com/imago-ml/imago/data"
)

// An attribute is an attribute or a class that some images of a set have.
type attribute struct{ data.Trait }

// attributeOf returns the attribute or class of a set with the given name.
func attributeOf(set *data.Set, name string) (attribute, error) {
	t, err := set.Trait(name)
	if err != nil && len(set.Attributes)+len(set.Classes) == 0 {
		err = fmt.Errorf("%w with --data", err)
	}
	return attribute{t}, err
}
