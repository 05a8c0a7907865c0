package table

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/english"
)

// follow plans to read the columns of the table that the data go with, by their names, or
// by their places if one of the two has no names. Other columns are left out with a note.
func (p *plan) follow(like Medium, opt data.Options) error {
	wanted := like.features()
	for k := range wanted {
		f := &wanted[k]
		nth := 0 // of the columns of that name
		for _, before := range wanted[:k] {
			if before.name == f.name {
				nth++
			}
		}
		f.at = -1
		for i, name := range p.names {
			if name == f.name && i != p.label {
				if nth == 0 {
					f.at = i
					break
				}
				nth--
			}
		}
	}
	missing := slices.IndexFunc(wanted, func(f feature) bool { return f.at < 0 })
	if missing >= 0 {
		if err := p.byPlace(wanted, missing, opt); err != nil {
			return err
		}
	}
	p.features = wanted
	var left []int
	for i := range p.names {
		if i != p.label && !p.isDropped(i, opt) && !slices.ContainsFunc(wanted, func(f feature) bool { return f.at == i }) {
			left = append(left, i)
		}
	}
	if p.label < 0 && opt.Label == "" {
		var words []int
		for _, i := range left {
			if p.isWords(i) && isWord(p.survey.columns[i].odd) {
				words = append(words, i)
			}
		}
		if len(words) == 1 {
			p.label, p.words = words[0], true
			left = slices.DeleteFunc(left, func(i int) bool { return i == words[0] })
		}
	}
	if len(left) > 0 {
		var names []string
		for _, i := range left {
			names = append(names, p.names[i])
		}
		p.survey.notes.Tell("not in the table that these data go with, and left out: %s", english.Some(names))
	}
	for k := range p.features { // numbers may be written otherwise
		f := &p.features[k]
		if c := &p.survey.columns[f.at]; f.form == asNumber {
			if own := p.form(f.at); own < asWord {
				f.form, f.unit = own, c.unit
			}
		}
	}
	return nil
}

// isDropped reports whether opt leaves a column out. Columns that the file does not have
// do not matter.
func (p *plan) isDropped(i int, opt data.Options) bool {
	has := func(names []string) bool {
		return slices.ContainsFunc(names, func(name string) bool {
			found, err := find("{Drop}", name, p.names)
			return err == nil && slices.Contains(found, i)
		})
	}
	return has(opt.Drop) || len(opt.Columns) > 0 && !has(opt.Columns)
}

// features returns the columns of the medium, those of the words of one column together.
func (m Medium) features() []feature {
	var all []feature
	for j := 0; j < len(m.Columns); {
		end := m.group(j)
		f := feature{name: m.Columns[j].source(), form: asNumber, columns: m.Columns[j:end]}
		switch m.Columns[j].Kind {
		case KindWord:
			f.form = asWord
			for _, c := range f.columns {
				f.words = append(f.words, c.Word)
			}
		case KindDate:
			f.form = firstLayout
		case KindBoolean:
			f.form = firstPair
		}
		all = append(all, f)
		j = end
	}
	return all
}

// byPlace gives the wanted columns the places of the columns of the file, if one of the two
// tables has no names and there are as many. missing is a wanted column that no name fits.
func (p *plan) byPlace(wanted []feature, missing int, opt data.Options) error {
	var places []int
	for i := range p.names {
		if i != p.label {
			places = append(places, i)
		}
	}
	if p.label < 0 && opt.Label == "" && len(places) == len(wanted)+1 {
		if i := p.onlyWords(places); i >= 0 {
			p.label, p.words = i, true
			places = slices.DeleteFunc(places, func(j int) bool { return j == i })
		}
	}
	numbered := true
	for k, f := range wanted {
		numbered = numbered && f.name == strconv.Itoa(k+1)
	}
	if p.survey.titles != nil && !numbered {
		return fmt.Errorf("%w: no column is called %s, as in the table that these data go with; have %s", ErrFormat, wanted[missing].name, english.Some(p.names))
	}
	if len(places) != len(wanted) {
		return fmt.Errorf("%w: %d columns, want the %d of the table that these data go with", ErrFormat, len(places), len(wanted))
	}
	for k := range wanted {
		wanted[k].at = places[k]
	}
	if (p.survey.titles != nil) == numbered { // one of the two has names
		p.survey.notes.Warn("columns are taken in their order, because one of the two tables has no names")
	}
	return nil
}
