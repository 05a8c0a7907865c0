package model

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/imago-ml/imago/internal/option"
)

// A Flag is an option of a Config: a view of one of its fields. It has the
// methods that the usual flag libraries ask of a value.
type Flag struct {
	Name  string // as in --name
	Field string // name of the field, by which errors of this library call it
	Help  string

	field reflect.Value
}

// Flags lists the options of c, a pointer to a struct, in the order of its
// fields and those of the structs it embeds. An option is a field like
//
//	Latent int `json:"latent" flag:"latent" help:"number of latent units"`
//
// of type int, float64, bool, string or []int; another type panics. The help of a
// field without a help tag is that of its struct: see OptionHelper.
func Flags(c Config) []*Flag { return flagsOf(reflect.ValueOf(c).Elem()) }

// An OptionHelper is a struct of options whose help texts are computed, as from a table
// of the values that an option takes.
type OptionHelper interface {
	// OptionHelp returns the help text of a field.
	OptionHelp(field string) string
}

func flagsOf(v reflect.Value) []*Flag {
	var flags []*Flag
	for i := range v.NumField() {
		f := v.Type().Field(i)
		switch name := f.Tag.Get("flag"); {
		case f.Anonymous:
			flags = append(flags, flagsOf(v.Field(i))...)
		case name != "":
			help := f.Tag.Get("help")
			if help == "" && v.CanInterface() {
				if h, ok := v.Interface().(OptionHelper); ok {
					help = h.OptionHelp(f.Name)
				}
			}
			fl := &Flag{name, f.Name, help, v.Field(i)}
			fl.Type() // panics on a type without a syntax
			flags = append(flags, fl)
		}
	}
	return flags
}

// Type returns int, float, bool, string or ints.
func (f *Flag) Type() string {
	switch f.field.Interface().(type) {
	case int:
		return "int"
	case float64:
		return "float"
	case bool:
		return "bool"
	case string:
		return "string"
	case []int:
		return "ints"
	}
	panic(fmt.Sprintf("model: option --%s has type %v", f.Name, f.field.Type()))
}

// String returns the value of the field as Set takes it: 0.5, or 512,256.
func (f *Flag) String() string {
	if f == nil || !f.field.IsValid() { // flag libraries ask a zero value
		return ""
	}
	if list, ok := f.field.Interface().([]int); ok {
		s := make([]string, len(list))
		for i, n := range list {
			s[i] = strconv.Itoa(n)
		}
		return strings.Join(s, ",")
	}
	return fmt.Sprint(f.field.Interface())
}

// Set parses s into the field. The field is unchanged on an error.
func (f *Flag) Set(s string) error {
	switch f.Type() {
	case "int":
		n, err := strconv.Atoi(s)
		if err != nil {
			return f.bad(s, "a whole number")
		}
		f.field.SetInt(int64(n))
	case "float":
		x, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return f.bad(s, "a number")
		}
		f.field.SetFloat(x)
	case "bool":
		b, err := strconv.ParseBool(s)
		if err != nil {
			return f.bad(s, "true or false")
		}
		f.field.SetBool(b)
	case "ints":
		list := []int{}
		for part := range strings.SplitSeq(s, ",") {
			n, err := strconv.Atoi(strings.TrimSpace(part))
			if err != nil {
				return f.bad(s, "whole numbers with commas between, as 512,256")
			}
			list = append(list, n)
		}
		f.field.Set(reflect.ValueOf(list))
	default:
		f.field.SetString(s)
	}
	return nil
}

func (f *Flag) bad(s, want string) error {
	return option.Errorf("model: {"+f.Field+"} %q: want %s", s, want)
}
