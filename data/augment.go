package data

// MirrorLeftRight reverses the order of the columns of an image in place: x (H, W, C).
func MirrorLeftRight(x []float32, h, w, c int) {
	for y := range h {
		row := x[y*w*c : (y+1)*w*c]
		for i, j := 0, w-1; i < j; i, j = i+1, j-1 {
			for k := range c {
				row[i*c+k], row[j*c+k] = row[j*c+k], row[i*c+k]
			}
		}
	}
}
