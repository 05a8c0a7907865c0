package audio

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/internal/fuzzed"
)

// flacFiles are recordings of the same samples as WAV and FLAC, by SoX 14.4.2.
var flacFiles = []string{"stereo", "mono24"}

func readFile(t testing.TB, name string) []byte {
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestFLAC checks that a FLAC file has the samples of the WAV file that it was made of, bit for bit.
func TestFLAC(t *testing.T) {
	for _, name := range flacFiles {
		want, err := Decode(bytes.NewReader(readFile(t, name+".wav")), 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, seconds := range []float64{1, 0.01} {
			got, err := Decode(bytes.NewReader(readFile(t, name+".flac")), seconds)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if got.Rate != want.Rate || len(got.Samples) != min(len(want.Samples), int(seconds*float64(want.Rate))) || got.More != (len(got.Samples) < len(want.Samples)) {
				t.Errorf("%s: %d of %d samples at %d a second, more %v", name, len(got.Samples), len(want.Samples), got.Rate, got.More)
			}
			for i, v := range got.Samples {
				if v != want.Samples[i] {
					t.Fatalf("%s: sample %d is %v, want %v", name, i, v, want.Samples[i])
				}
			}
		}
	}
}

// firstFrame returns where the frames of a FLAC file begin, after its blocks.
func firstFrame(file []byte) int {
	at := len("fLaC")
	for last := false; !last; {
		last = file[at]&0x80 != 0
		at += 4 + int(file[at+1])<<16 + int(file[at+2])<<8 + int(file[at+3])
	}
	return at
}

// TestFLACWithoutOtherBlocks checks that a file is read whose only block is STREAMINFO.
func TestFLACWithoutOtherBlocks(t *testing.T) {
	file := readFile(t, "stereo.flac")
	want, err := Decode(bytes.NewReader(file), 1)
	if err != nil {
		t.Fatal(err)
	}
	const first = len(streamInfo) + 34 // the end of STREAMINFO
	bare := bytes.Clone(file[:first])
	bare[4] |= 0x80
	got, err := Decode(bytes.NewReader(append(bare, file[firstFrame(file):]...)), 1)
	if err != nil || !slices.Equal(got.Samples, want.Samples) {
		t.Errorf("%d samples, want %d: %v", len(got.Samples), len(want.Samples), err)
	}
}

// TestBadFLAC checks that faults are told as ErrFormat, and that a header that announces much does not allocate it.
func TestBadFLAC(t *testing.T) {
	good := readFile(t, "stereo.flac")
	damaged := bytes.Clone(good)
	damaged[len(damaged)-20] ^= 1
	for name, tt := range map[string]struct {
		file []byte
		want string
	}{
		"cut":           {good[:len(good)-30], "ends within"},
		"cut header":    {good[:30], "ends within"},
		"damaged":       {damaged, "CRC"},
		"picture first": {append([]byte("fLaC\x06\x00\x00\x40\x00\x00\x00\x03\xff\xff\xff\xff"), make([]byte, 100)...), "STREAMINFO"},
		"no header":     {good[:4], "ends within"},
		"no frames":     {good[:firstFrame(good)], "after 0 of"},
		"one byte":      {good[:firstFrame(good)+1], "ends within"},
	} {
		_, err := Decode(bytes.NewReader(tt.file), 1)
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q in it", name, err, tt.want)
		}
	}
}

// TestUnread checks that formats that are not read are named, with the way out.
func TestUnread(t *testing.T) {
	for want, head := range map[string]string{"Ogg": "OggS\x00\x02\x00\x00\x00\x00\x00\x00", "ID3": "ID3\x04\x00\x00\x00\x00\x00\x00\x00\x00", "MP3": "\xff\xfb\x90\x64\x00\x00\x00\x00", "MP4": "\x00\x00\x00\x20ftypM4A ", "AIFF": "FORM\x00\x00\x00\x00AIFF"} {
		_, err := Decode(strings.NewReader(head+strings.Repeat("\x00", 50)), 1)
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "sox or ffmpeg") {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// FuzzFLAC reads FLAC files with changed bytes, whose checksums are right or not.
func FuzzFLAC(f *testing.F) {
	var files [][]byte
	for _, name := range flacFiles {
		files = append(files, readFile(f, name+".flac"))
		f.Add(readFile(f, name+".flac"))
	}
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		fuzz(t, append([]byte(streamInfo), b...))
		c := fuzzed.New(b)
		file := bytes.Clone(fuzzed.Of(c, files...))
		for range 1 + c.Below(6) {
			file[c.Below(len(file))] = byte(c.Below(256))
		}
		fuzz(t, file[:len(file)-c.Below(2)*c.Below(len(file))])
	})
}
