package table

import (
	"strconv"
	"strings"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/option"
)

// Choose returns the numbers, from 0, of the columns that r.Columns and r.Drop leave, in
// their order. A column is called by its name, by its number from 1 where no column has
// that name, or as one of several, 3-7.
func Choose(names []string, r data.Reading) ([]int, error) {
	keep := make([]bool, len(names))
	for i := range keep {
		keep[i] = len(r.Columns) == 0
	}
	for _, list := range []struct {
		field string
		names []string
		keep  bool
	}{{"{Columns}", r.Columns, true}, {"{Drop}", r.Drop, false}} {
		for _, name := range list.names {
			found, err := find(list.field, name, names)
			if err != nil {
				return nil, err
			}
			for _, i := range found {
				keep[i] = list.keep
			}
		}
	}
	var chosen []int
	for i, k := range keep {
		if k {
			chosen = append(chosen, i)
		}
	}
	if len(chosen) == 0 {
		return nil, option.Errorf("{Columns} and {Drop} leave no column of %s", english.Some(names))
	}
	return chosen, nil
}

// find returns the columns that a name, a number from 1 or a range means; field names the
// option in errors.
func find(field, name string, names []string) ([]int, error) {
	var found []int
	for i, n := range names {
		if n == name {
			found = append(found, i)
		}
	}
	if found != nil {
		return found, nil
	}
	lo, hi, ranged := strings.Cut(name, "-")
	if !ranged {
		hi = lo
	}
	first, err1 := strconv.Atoi(lo)
	last, err2 := strconv.Atoi(hi)
	if err1 == nil && err2 == nil && first >= 1 && first <= last && last <= len(names) {
		for i := first - 1; i < last; i++ {
			found = append(found, i)
		}
		return found, nil
	}
	if near := data.Suggest(name, names); len(near) > 0 {
		return nil, option.Errorf(field+" %q: no such column; is it %s?", name, strings.Join(near, " or "))
	}
	return nil, option.Errorf(field+" %q: no such column; want one of %s, or a number from 1 to %d", name, english.Some(names), len(names))
}

// labelColumn returns the column that Options.Label means: a name, or else a number from 1.
func labelColumn(label string, names []string, header bool) (int, error) {
	if header {
		found, err := find("{Label}", label, names)
		if err != nil {
			return 0, err
		}
		return found[0], nil
	}
	if k, err := strconv.Atoi(label); err == nil && k >= 1 && k <= len(names) {
		return k - 1, nil
	}
	return 0, option.Errorf("{Label} %q: the table has no header: want a column's number, 1 to %d", label, len(names))
}
