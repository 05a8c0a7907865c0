package serve_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/imago-ml/imago"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/serve"
	"github.com/imago-ml/imago/train"
)

// A model is served behind the handler of a program, which asks it for the picture of a code.
func Example() {
	lib := serve.NewLibrary(serve.LibraryOptions{Backend: func() backend.Backend { return cpu.New(1) }})
	defer lib.Close()
	err := lib.Add(context.Background(), "digits", func(be backend.Backend) (*train.Trained, error) {
		return imago.OpenOn(be, "zoo:cnn-vae")
	})
	if err != nil {
		log.Fatal(err)
	}
	handler, err := serve.New(lib, serve.Options{})
	if err != nil {
		log.Fatal(err)
	}

	server := httptest.NewServer(handler)
	defer server.Close()
	r, err := http.Post(server.URL+"/v1/decode?format=png", "application/json", strings.NewReader(`{"codes": [[0.5, -1]]}`))
	if err != nil {
		log.Fatal(err)
	}
	defer r.Body.Close()
	fmt.Println(r.StatusCode, r.Header.Get("Content-Type"))
	// Output: 200 image/png
}
