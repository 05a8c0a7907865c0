package transfer

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A module is the arrays of one layer in the file.
type module struct {
	name  string
	roles map[string]Array // kernel, bias, gamma, beta, moving_mean, moving_variance, u, or the name that the file has
	torch bool             // its layouts are those of PyTorch
}

// torchRoles are the names that PyTorch gives to the arrays of a module, and what they are called here; "" is passed over.
var torchRoles = map[string]string{
	"weight": "kernel", "bias": "bias", "running_mean": "moving_mean", "running_var": "moving_variance", "num_batches_tracked": "",
	"weight_orig": "kernel", "weight_u": "u", "weight_v": "",
	"parametrizations.weight.original": "kernel", "parametrizations.weight.0._u": "u", "parametrizations.weight.0._v": "",
}

// kerasRoles are those of Keras, but for embeddings the same as here.
var kerasRoles = map[string]string{"kernel": "kernel", "bias": "bias", "gamma": "gamma", "beta": "beta", "moving_mean": "moving_mean", "moving_variance": "moving_variance", "embeddings": "kernel", "u": "u"}

// unnamed is the name that NumPy gives to an array that is saved without one.
var unnamed = regexp.MustCompile(`^arr_\d+$`)

// modulesOf returns the modules of a file, in the order of their first arrays.
func modulesOf(f File) []*module {
	arrays := f.Arrays
	if !f.Ordered {
		arrays = slices.Clone(arrays)
		slices.SortStableFunc(arrays, func(a, b Array) int { return natural(a.Name, b.Name) })
	}
	if len(arrays) > 0 && !slices.ContainsFunc(arrays, func(a Array) bool { return !unnamed.MatchString(a.Name) }) {
		return unnamedModules(arrays)
	}
	var all []*module
	index := map[string]*module{}
	for _, a := range arrays {
		name, role, isTorch := split(a.Name)
		if role == "" {
			continue
		}
		m := index[name]
		if m == nil {
			m = &module{name: name, roles: map[string]Array{}}
			index[name] = m
			all = append(all, m)
		}
		m.torch = m.torch || isTorch
		m.roles[role] = a
	}
	for _, m := range all {
		if w, ok := m.roles["kernel"]; ok && m.torch && len(w.Shape) == 1 { // of a batch norm
			m.roles["gamma"] = w
			delete(m.roles, "kernel")
		}
		if b, ok := m.roles["bias"]; ok && m.torch && m.roles["kernel"].Read == nil {
			m.roles["beta"] = b
			delete(m.roles, "bias")
		}
	}
	return all
}

// split returns the module and the role of an array by its name.
func split(name string) (module, role string, isTorch bool) {
	name = strings.TrimSuffix(name, ":0") // of TensorFlow
	for suffix, role := range torchRoles {
		if module, ok := strings.CutSuffix(name, "."+suffix); ok && (strings.Contains(suffix, ".") || !strings.Contains(name, ".parametrizations.")) {
			return module, role, suffix != "bias"
		}
		if name == suffix {
			return "", role, suffix != "bias"
		}
	}
	at := strings.LastIndexAny(name, "/.")
	role = name[at+1:]
	if r := kerasRoles[role]; r != "" {
		role = r
	}
	return name[:max(at, 0)], role, false
}

// unnamedModules returns the modules of arrays that have only an order, as Keras' get_weights has: a kernel begins a
// module, a bias belongs to it, and four more vectors are a batch norm.
func unnamedModules(arrays []Array) []*module {
	var all []*module
	for i := 0; i < len(arrays); {
		m := &module{name: arrays[i].Name, roles: map[string]Array{}}
		all = append(all, m)
		if len(arrays[i].Shape) > 1 {
			m.roles["kernel"] = arrays[i]
			i++
		}
		vectors := 0
		for i+vectors < len(arrays) && len(arrays[i+vectors].Shape) == 1 {
			vectors++
		}
		if vectors%4 == 1 {
			m.roles["bias"] = arrays[i]
			i++
			vectors--
		}
		for ; vectors >= 4; vectors -= 4 {
			n := &module{name: arrays[i].Name, roles: map[string]Array{"gamma": arrays[i], "beta": arrays[i+1], "moving_mean": arrays[i+2], "moving_variance": arrays[i+3]}}
			if len(m.roles) == 0 {
				all = all[:len(all)-1]
			}
			all = append(all, n)
			m = n
			i += 4
		}
		for ; vectors > 0; vectors-- { // what no layer of imago has: modules of their own, which fit nowhere
			all = append(all, &module{name: arrays[i].Name, roles: map[string]Array{arrays[i].Name: arrays[i]}})
			i++
		}
		if len(arrays) > i && len(arrays[i].Shape) == 0 {
			i++
		}
	}
	return all
}

// natural compares names as people do: numbers in them by value, so that layer 10 follows layer 9.
func natural(a, b string) int {
	x, y := parts.FindAllString(a, -1), parts.FindAllString(b, -1)
	for i := range min(len(x), len(y)) {
		n, err := strconv.Atoi(x[i])
		m, err2 := strconv.Atoi(y[i])
		if err == nil && err2 == nil && n != m {
			return n - m
		}
		if c := strings.Compare(x[i], y[i]); c != 0 {
			return c
		}
	}
	return len(x) - len(y)
}

var parts = regexp.MustCompile(`\d+|\D+`)

// sameStem reports whether names differ in numbers alone, so that their order is that of the numbers.
func sameStem(names []string) bool {
	stem := func(s string) string { return digits.ReplaceAllString(s, "#") }
	for _, n := range names {
		if stem(n) != stem(names[0]) {
			return false
		}
	}
	return len(names) > 0 && digits.MatchString(names[0])
}

var digits = regexp.MustCompile(`\d+`)
