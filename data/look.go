package data

import (
	"context"

	"github.com/imago-ml/imago/data/medium"
)

// A Look is what is known of a set before its items have the size that a model takes.
type Look struct {
	N            int         // items of all parts
	Item         medium.Item // of the set as it is; the zero Item if its pictures have several sizes
	Channels     int         // of pictures: 1, or more if one of them has more
	Small, Large [2]int      // columns and rows of the pictures with the fewest and the most pixels
	Side         int         // the median of the shorter sides of the pictures
	Classes      int         // 0 if they are not known without the work of Open, or there are none
}

// Look looks at the set of that name or path, as Open opens it. Of a folder or zip of
// pictures it reads the headers alone.
func (r *Registry) Look(ctx context.Context, nameOrPath string, opt Options) (Look, error) {
	if err := opt.Validate(); err != nil {
		return Look{}, err
	}
	if o, err := r.opener(nameOrPath, opt); err == nil && o.Look != nil {
		return o.Look(ctx, nameOrPath, opt)
	}
	set, err := r.Open(ctx, nameOrPath, opt)
	if err != nil {
		return Look{}, err
	}
	l := Look{N: set.Train.Len() + set.Test.Len(), Item: set.Item(), Classes: len(set.Classes)}
	if h, w, c, err := medium.HWC(l.Item); err == nil {
		l.Channels, l.Small, l.Large, l.Side = c, [2]int{w, h}, [2]int{w, h}, min(h, w)
	}
	return l, nil
}
