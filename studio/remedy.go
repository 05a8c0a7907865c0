package studio

import (
	"strconv"
	"strings"

	"github.com/imago-ml/imago/models/model"
)

// remedyOptions returns the options of a changed run that a remedy asks for, and the values that were chosen here, in words; nil
// if a person has to choose one. Where it asks for less or more of a number, that is half of it or twice as much.
func (s *Studio) remedyOptions(r model.Remedy) (options map[string]string, chosen string) {
	options = map[string]string{}
	var steps []string
	for _, one := range append([]model.Remedy{r}, r.With...) {
		name := strings.TrimPrefix(s.opt.OptionName(one.Option), "--")
		value := one.Value
		if value == "" {
			value = nextValue(one.Change, one.Now)
			steps = append(steps, "--"+name+" "+value)
		}
		if value == "" {
			return nil, ""
		}
		options[name] = value
	}
	return options, strings.Join(steps, ", ")
}

// nextValue returns half of a number or twice as much; "" where neither makes sense.
func nextValue(c model.Change, now string) string {
	if n, err := strconv.Atoi(now); err == nil {
		switch {
		case (c == model.Less || c == model.Fewer) && n >= 2:
			return strconv.Itoa(n / 2)
		case c == model.More && n >= 1 && n < 1<<30:
			return strconv.Itoa(2 * n)
		}
		return ""
	}
	v, err := strconv.ParseFloat(now, 64)
	switch {
	case err != nil || !(v > 0):
	case c == model.Less || c == model.Fewer:
		return strconv.FormatFloat(v/2, 'g', 6, 64)
	case c == model.More:
		return strconv.FormatFloat(2*v, 'g', 6, 64)
	}
	return ""
}
