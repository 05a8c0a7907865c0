package docs_test

import (
	"testing"

	"github.com/imago-ml/imago/docs"
	"github.com/imago-ml/imago/docs/site"
)

// TestSite: all pages are listed, all links between them lead somewhere.
func TestSite(t *testing.T) {
	if err := site.Write(t.TempDir(), site.Source{Pages: docs.Pages, Index: docs.Index, Outside: "https://example.org/"}); err != nil {
		t.Fatal(err)
	}
}
