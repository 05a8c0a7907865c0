package audio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"testing"

	"github.com/imago-ml/imago/internal/fuzzed"
)

// wavFile returns a WAV file of frames of one sample, given by its bytes, for each channel.
func wavFile(format, channels, rate, bits, width int, extensible bool, samples []byte) []byte {
	u16, u32 := binary.LittleEndian.AppendUint16, binary.LittleEndian.AppendUint32
	head := format
	if extensible {
		head = wavExtensible
	}
	f := u16(u16(nil, uint16(head)), uint16(channels))
	f = u32(u32(f, uint32(rate)), uint32(rate*channels*width))
	f = u16(u16(f, uint16(channels*width)), uint16(bits))
	if extensible {
		f = u16(u32(u16(u16(f, 22), uint16(bits)), 0), uint16(format))
		f = append(f, make([]byte, 14)...)
	}
	b := append([]byte("RIFF\xff\xff\xff\xffWAVE"), "LIST\x03\x00\x00\x00abc\x00fmt "...)
	b = append(u32(b, uint32(len(f))), f...)
	b = u32(append(b, "data"...), uint32(len(samples)))
	return append(b, samples...)
}

// TestWAV reads the samples 0.5 and −1 in each way of writing them.
func TestWAV(t *testing.T) {
	f32 := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, math.Float32bits(0.5)), math.Float32bits(-1))
	f64 := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, math.Float64bits(0.5)), math.Float64bits(-1))
	for name, file := range map[string][]byte{
		"8":          wavFile(wavPCM, 1, 8000, 8, 1, false, []byte{192, 0}),
		"16":         wavFile(wavPCM, 1, 8000, 16, 2, false, []byte{0, 0x40, 0, 0x80}),
		"16 unknown": append(wavFile(wavPCM, 1, 8000, 16, 2, false, nil), 0, 0x40, 0, 0x80),
		"24":         wavFile(wavPCM, 1, 8000, 24, 3, true, []byte{0, 0, 0x40, 0, 0, 0x80}),
		"24 in 4":    wavFile(wavPCM, 1, 8000, 24, 4, true, []byte{0, 0, 0, 0x40, 0, 0, 0, 0x80}),
		"32":         wavFile(wavPCM, 1, 8000, 32, 4, false, []byte{0, 0, 0, 0x40, 0, 0, 0, 0x80}),
		"float 32":   wavFile(wavFloat, 1, 8000, 32, 4, true, f32),
		"float 64":   wavFile(wavFloat, 1, 8000, 64, 8, false, f64),
		"stereo":     wavFile(wavPCM, 2, 8000, 16, 2, false, []byte{0, 0x20, 0, 0x60, 0, 0x80, 0, 0x80}),
	} {
		c, err := Decode(bytes.NewReader(file), 1)
		if err != nil || len(c.Samples) != 2 || c.Samples[0] != 0.5 || c.Samples[1] != -1 || c.Rate != 8000 || c.More {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
	c, err := Decode(bytes.NewReader(wavFile(wavPCM, 1, 8000, 8, 1, false, make([]byte, 8001))), 1)
	if err != nil || len(c.Samples) != 8000 || !c.More {
		t.Errorf("%d samples of a second, more %v, %v", len(c.Samples), c.More, err)
	}
}

// TestBadWAV checks that faults are told as ErrFormat.
func TestBadWAV(t *testing.T) {
	good := wavFile(wavPCM, 1, 8000, 16, 2, false, make([]byte, 100))
	nan := binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(math.NaN())))
	for name, file := range map[string][]byte{
		"cut":         good[:len(good)-1],
		"cut header":  good[:30],
		"empty":       nil,
		"text":        []byte("a recording of a text"),
		"no samples":  good[:len(good)-108],
		"A-law":       wavFile(6, 1, 8000, 8, 1, false, []byte{1}),
		"no channels": wavFile(wavPCM, 0, 8000, 16, 2, false, []byte{1, 2}),
		"12 in 3":     wavFile(wavPCM, 1, 8000, 12, 3, false, []byte{1, 2, 3}),
		"float 16":    wavFile(wavFloat, 1, 8000, 16, 2, false, []byte{1, 2}),
		"rate":        wavFile(wavPCM, 1, 1, 16, 2, false, []byte{1, 2}),
		"NaN":         wavFile(wavFloat, 1, 8000, 32, 4, false, nan),
	} {
		if _, err := Decode(bytes.NewReader(file), 1); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestEncodeWAV reads what was written.
func TestEncodeWAV(t *testing.T) {
	b, err := EncodeWAV([]float32{0, 0.25, -0.5, 2, -2}, 16000)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Decode(bytes.NewReader(b), 1)
	if err != nil || c.Rate != 16000 || len(c.Samples) != 5 {
		t.Fatalf("%+v, %v", c, err)
	}
	for i, want := range []float32{0, 0.25, -0.5, 1, -1} {
		if d := math.Abs(float64(c.Samples[i] - want)); !(d < 1e-4) {
			t.Errorf("sample %d is %v, want %v", i, c.Samples[i], want)
		}
	}
	if rate, err := Rate(bytes.NewReader(b)); rate != 16000 || err != nil {
		t.Error(rate, err)
	}
	if !IsAudio("a/B.WAV") || IsAudio("a.png") || !Known(b) || Known([]byte("text")) {
		t.Error("recordings are recognised wrongly")
	}
}

// TestResample compares a tone that was resampled with the tone at the new rate, and checks
// that a tone above half the new rate is gone.
func TestResample(t *testing.T) {
	tone := func(rate int, hz float64) []float32 {
		x := make([]float32, rate/2)
		for i := range x {
			x[i] = float32(math.Sin(2 * math.Pi * hz * float64(i) / float64(rate)))
		}
		return x
	}
	for _, rates := range [][2]int{{44100, 16000}, {8000, 16000}, {16000, 11025}, {48000, 8000}} {
		y, want := Resample(tone(rates[0], 440), rates[0], rates[1]), tone(rates[1], 440)
		worst := 0.0
		for i := len(want) / 4; i < 3*len(want)/4; i++ {
			worst = max(worst, math.Abs(float64(y[i]-want[i])))
		}
		if !(worst < 1e-3) { // the ripple of the filter's passband
			t.Errorf("%v: a tone is off by %.2g", rates, worst)
		}
	}
	y := Resample(tone(44100, 9000), 44100, 16000)
	for _, v := range y[len(y)/4 : 3*len(y)/4] {
		if !(math.Abs(float64(v)) < 1e-3) {
			t.Fatalf("a tone of 9 kHz is %v at 16 kHz", v)
		}
	}
}

// fuzz checks that bytes are a recording or give ErrFormat, and that no more is read than
// asked for.
func fuzz(t *testing.T, b []byte) {
	c, err := Decode(bytes.NewReader(b), 0.01)
	switch {
	case err != nil && !errors.Is(err, ErrFormat) && err != io.ErrUnexpectedEOF:
		t.Errorf("%v is not ErrFormat", err)
	case err == nil && len(c.Samples) > int(math.Ceil(0.01*MaxRate)):
		t.Errorf("%d samples", len(c.Samples))
	}
}

// FuzzDecode reads any bytes.
func FuzzDecode(f *testing.F) {
	f.Add(wavFile(wavPCM, 2, 8000, 16, 2, true, make([]byte, 64)))
	f.Add(wavFile(wavFloat, 1, 8000, 32, 4, false, make([]byte, 64)))
	f.Fuzz(fuzz)
}

// FuzzWAV reads WAV files that are well formed but for some faults.
func FuzzWAV(f *testing.F) {
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		c := fuzzed.New(b)
		file := wavFile(fuzzed.Of(c, wavPCM, wavFloat, 6, wavExtensible), c.Below(80), fuzzed.Of(c, 8000, 0, 1<<31), fuzzed.Of(c, 16, 8, 24, 32, 64, 0, 65535), fuzzed.Of(c, 2, 1, 3, 4, 8, 0), c.Below(2) == 1, c.Bytes(c.Below(256)))
		for range c.Below(4) {
			file[12+c.Below(min(len(file)-12, 256))] = byte(c.Below(256))
		}
		fuzz(t, file[:len(file)-c.Below(2)*c.Below(min(len(file), 256))])
	})
}
