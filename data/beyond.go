package data

// A Beyond is a value of an item that lies outside the range of its column: the item has
// the nearer end of the range in its place.
type Beyond struct {
	Column   int     // number of the value in its item, from 0
	Name     string  // of the column
	Value    float64 // as it stands in the file
	Min, Max float64 // the range, of the training part
}

// A Bounded is Items of which values were replaced by the nearer end of their range, as
// those of a table.
type Bounded interface {
	Items
	// Beyond returns the values of item i outside their range, by column; nil if none
	// is. It panics, as a slice does, if i is outside [0, N).
	Beyond(i int) []Beyond
}

// Beyond returns the values of item i that lie outside the range of their columns; nil if
// none does, or if the items have no columns. It panics, as a slice does, if i is outside
// [0, N).
func (s Split) Beyond(i int) []Beyond { return beyond(s.Items, i) }

// beyond returns the values of an item of items, or of what they were chosen from, that
// lie outside their range.
func beyond(items Items, i int) []Beyond {
	switch im := items.(type) {
	case Bounded:
		return im.Beyond(i)
	case *labelled:
		return beyond(im.Items, i)
	case *joined:
		if n := im.a.Len(); i >= n {
			return beyond(im.b, i-n)
		}
		return beyond(im.a, i)
	case *subset:
		return beyond(im.all, int(im.index[i]))
	}
	return nil
}
