package nn

import "github.com/imago-ml/imago/graph"

// UpSampling2D doubles rows and columns, each pixel becoming a square of four.
//
// x (B, H, W, C) → (B, 2H, 2W, C).
func (b *Builder) UpSampling2D(name string, x *graph.Node) *graph.Node {
	want(x, 4, "up_sampling2d "+name, "images (B, H, W, C)")
	s := x.Shape()
	y := graph.BroadcastTo(graph.Reshape(x, s[0], s[1], 1, s[2], 1, s[3]), s[0], s[1], 2, s[2], 2, s[3])
	return b.Layer(name, "UpSampling2D", graph.Reshape(y, s[0], 2*s[1], 2*s[2], s[3]), x)
}

// AveragePooling2D halves rows and columns, which are even, each square of four
// pixels becoming its mean.
//
// x (B, H, W, C) → (B, H/2, W/2, C).
func (b *Builder) AveragePooling2D(name string, x *graph.Node) *graph.Node {
	want(x, 4, "average_pooling2d "+name, "images (B, H, W, C)")
	s := x.Shape()
	if s[1]%2 != 0 || s[2]%2 != 0 {
		panic(&graph.ShapeError{Op: "average_pooling2d " + name, In: []graph.Shape{s}, Want: "want even numbers of rows and columns"})
	}
	y := graph.Mean(graph.Reshape(x, s[0], s[1]/2, 2, s[2]/2, 2, s[3]), 2, 4)
	return b.Layer(name, "AveragePooling2D", y, x)
}
