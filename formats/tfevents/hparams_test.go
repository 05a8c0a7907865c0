package tfevents

import (
	"encoding/hex"
	"math"
	"os"
	"strings"
	"testing"
)

// The messages have the bytes that the definitions of TensorBoard give, field by field.
func TestHParamsBytes(t *testing.T) {
	at(t)
	w := open(t, t.TempDir())
	if err := w.HParams(map[string]any{"lr": 0.5, "on": true, "a": "b", "list": []int{1}}); err != nil {
		t.Fatal(err)
	}
	if err := w.End(Success); err != nil {
		t.Fatal(err)
	}
	closed(t, w)
	b, err := os.ReadFile(w.Name())
	if err != nil {
		t.Fatal(err)
	}
	wall := "00001040fc54d941" // 1700000000.25
	for _, want := range []string{
		"0a08" + "0a0161" + "1203" + "1a0162",               // hparams {"a": string "b"}
		"0a0f" + "0a026c72" + "1209" + "11000000000000e03f", // {"lr": number 0.5}
		"0a08" + "0a026f6e" + "1202" + "2001",               // {"on": bool true}
		"29" + wall,                                         // start_time_secs
		hex.EncodeToString([]byte("_hparams_/session_start_info")) + "4206" + "080112021200", // tag; an empty tensor of DT_FLOAT
		"0a07" + hex.EncodeToString([]byte("hparams")) + "12",                                // plugin_data.plugin_name, content
		hex.EncodeToString([]byte("_hparams_/session_end_info")),                             // tag
		"220b" + "0801" + "11" + wall,                                                        // session_end_info {status: SUCCESS, end_time_secs}
	} {
		if !strings.Contains(hex.EncodeToString(b), want) {
			t.Errorf("%s is missing", want)
		}
	}
	if strings.Contains(string(b), "list") {
		t.Error("a list was written, which the plugin has no value for")
	}
}

func TestHistogramBytes(t *testing.T) {
	at(t)
	w := open(t, t.TempDir())
	if err := w.Histogram(3, "w", []float32{0, 64, 1, 1}); err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]float32{nil, {1, float32(math.Inf(1))}} {
		if err := w.Histogram(3, "w", bad); err == nil || !strings.Contains(err.Error(), `"w"`) {
			t.Errorf("%v gave %v", bad, err)
		}
	}
	if err := w.Histogram(4, "one", []float32{2, 2}); err != nil {
		t.Fatal(err)
	}
	closed(t, w)
	b, err := os.ReadFile(w.Name())
	if err != nil {
		t.Fatal(err)
	}
	text := hex.EncodeToString(b)
	for _, want := range []string{
		"090000000000000000" + "110000000000005040" + "190000000000001040" + "210000000000805040" + "290000000000081040"[:2], // min 0, max 64, num 4, sum 66
		"328004" + "000000000000f03f" + "0000000000000040",                                                                   // 64 limits of 8 bytes: 1, 2, …
		"3a8004" + "000000000000f03f" + "0000000000000040" + "0000000000000000",                                              // 1 value in [0, 1), 2 in [1, 2), none in [2, 3)
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing", want)
		}
	}
}
