package nn

import "strconv"

// Joined appends to nets the network that shows how each feeds the next, named as
// the whole.
func Joined(name string, nets []Network) []Network {
	whole := Network{Name: name}
	from := nets[0].Layers[0]
	whole.Layers = append(whole.Layers, from)
	for _, n := range nets {
		last := n.Layers[len(n.Layers)-1]
		l := Layer{Name: n.Name, Kind: "Model", Out: last.Out, Params: n.Params(), Inputs: []string{from.Name}}
		whole.Layers = append(whole.Layers, l)
		from = l
	}
	return append(nets, whole)
}

// Numbered returns Keras' name of layer i of its class, counted from 0: dense, dense_1.
func Numbered(class string, i int) string {
	if i == 0 {
		return class
	}
	return class + "_" + strconv.Itoa(i)
}
