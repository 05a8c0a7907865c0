package data

import (
	"slices"
	"testing"
)

func TestNear(t *testing.T) {
	names := []string{"5_o_Clock_Shadow", "Black_Hair", "Blond_Hair", "Brown_Hair", "Eyeglasses", "Male", "Mouth_Slightly_Open", "Smiling", "Wearing_Hat", "Young"}
	for _, tt := range []struct {
		name string
		want []string
	}{
		{"Smilling", []string{"Smiling"}},
		{"smiling", []string{"Smiling"}},
		{"SMILE", []string{"Smiling"}},
		{"glasses", []string{"Eyeglasses"}},
		{"Eye Glasses", []string{"Eyeglasses"}},
		{"Blonde_Hair", []string{"Blond_Hair"}},
		{"blnd hair", []string{"Blond_Hair", "Black_Hair"}},
		{"hair", []string{"Black_Hair", "Blond_Hair", "Brown_Hair"}},
		{"mael", []string{"Male"}},
		{"mal", []string{"Male"}},
		{"", nil},
		{"___", nil},
		{"zebra", nil},
	} {
		got := Suggest(tt.name, names)
		if tt.name == "blnd hair" {
			got = got[:min(2, len(got))]
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%q: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "", 3}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"flaw", "lawn", 2}, {"abc", "abc", 0}, {"abc", "cba", 2}, {"trian", "train", 1}, {"abcd", "badc", 2}, {"ca", "abc", 3}} {
		if got := distance([]rune(tt.a), []rune(tt.b)); got != tt.want {
			t.Errorf("%q to %q: %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
