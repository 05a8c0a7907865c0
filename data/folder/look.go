package folder

import (
	"context"
	"fmt"
	"slices"

	"github.com/imago-ml/imago/data"
	imagemedium "github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/formats/imageio"
)

// look reads the headers of the images below path. Files whose headers cannot be read
// are left out: Open says what is wrong with them.
func look(ctx context.Context, path string, _ data.Options) (data.Look, error) {
	files, err := data.ListImages(path)
	if err != nil {
		return data.Look{}, fmt.Errorf("folder: %w", err)
	}
	defer files.Close()
	if len(files.Files) == 0 {
		return data.Look{}, noImages(path, files)
	}
	infos := make([]imageio.Info, len(files.Files))
	err = data.Parallel(ctx, len(infos), func(i int) error {
		if info, err := files.Files[i].Info(); err == nil {
			infos[i] = info
		}
		return nil
	})
	if err != nil {
		return data.Look{}, err
	}
	var l data.Look
	var sides []int
	for _, in := range infos {
		if in.H == 0 {
			continue
		}
		size, n := [2]int{in.W, in.H}, in.W*in.H
		if l.N == 0 || n < l.Small[0]*l.Small[1] {
			l.Small = size
		}
		if l.N == 0 || n > l.Large[0]*l.Large[1] {
			l.Large = size
		}
		l.N++
		l.Channels = max(l.Channels, in.C)
		sides = append(sides, min(in.H, in.W))
	}
	if l.N == 0 {
		_, err := Open(ctx, path, data.Options{Size: 1, NoCache: true}) // says what is wrong with the files
		return l, err
	}
	slices.Sort(sides)
	l.Side = sides[len(sides)/2]
	if same := slices.IndexFunc(infos, func(in imageio.Info) bool { return in.H > 0 && [2]int{in.W, in.H} != l.Small }); same < 0 {
		l.Item = imagemedium.Item(l.Small[1], l.Small[0], l.Channels)
	}
	return l, nil
}
