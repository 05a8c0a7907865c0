package medium

// An Audible is a Medium whose items can be heard: pages play them.
type Audible interface {
	Medium
	// Play returns a file of one item that a browser plays, and its type, as "audio/wav".
	Play(item Item, values []float32) (file []byte, kind string, err error)
}

// A Ruled is a Medium whose tiles have scales, which are drawn beside large tiles.
type Ruled interface {
	Medium
	// Scales returns the scale along the tiles and that up them.
	Scales(item Item) (along, up Scale)
}

// A Scale says what the places of a tile stand for.
type Scale struct {
	Unit  string // "s", "Hz"
	Marks []Mark
}

// A Mark is a place of a scale. At is its distance from the left or from the top, as a share
// of the tile.
type Mark struct {
	At   float64
	Text string
}
