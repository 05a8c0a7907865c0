package option

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

func TestText(t *testing.T) {
	flag := func(field string) string { return "--" + strings.ToLower(field) }
	a := Errorf("vae: {Latent} %d: want 1 to %d", 0, 9)
	b := Errorf("vae: {Loss} %q: %w", "{Latent}", io.EOF)
	for err, want := range map[error][2]string{
		a:                                   {"vae: Latent 0: want 1 to 9", "vae: --latent 0: want 1 to 9"},
		b:                                   {`vae: Loss "{Latent}": EOF`, `vae: --loss "{Latent}": EOF`},
		fmt.Errorf("run: %w", a):            {"run: vae: Latent 0: want 1 to 9", "run: vae: --latent 0: want 1 to 9"},
		errors.Join(a, io.ErrNoProgress, b): {"vae: Latent 0: want 1 to 9\nmultiple Read calls return no data or error\nvae: Loss \"{Latent}\": EOF", "vae: --latent 0: want 1 to 9\nmultiple Read calls return no data or error\nvae: --loss \"{Latent}\": EOF"},
		io.EOF:                              {"EOF", "EOF"},
	} {
		if err.Error() != want[0] || Text(err, flag) != want[1] {
			t.Errorf("%q and %q, want %q", err, Text(err, flag), want)
		}
	}
	if !errors.Is(b, io.EOF) {
		t.Error("an Error hides what it wraps")
	}
}

// own is an error of another package that names a field.
type own struct{}

func (own) Error() string                              { return own{}.Text(func(f string) string { return f }) }
func (own) Text(name func(field string) string) string { return "give more " + name("Memory") }

func TestTextOfAnotherError(t *testing.T) {
	err := fmt.Errorf("x: %w", own{})
	if got := Text(err, func(f string) string { return "--" + strings.ToLower(f) }); got != "x: give more --memory" {
		t.Error(got)
	}
}
