// Package docs holds the guides of imago, as the files that are read in the repository too: Markdown pages and their pictures,
// and in gallery a page for each recipe, which docs/gallery/make writes.
//
// The program embeds them, so that they are there without a network. Index names the page that lists all others in the
// order in which they are read, and gallery has such a page too; a test fails for a page that none lists. Package site makes
// pages of HTML of them. The package must not know anything else of the project.
package docs

import "embed"

// Pages are the files of the guides, by their names: data.md, manifold.png, gallery/dcgan.md.
//
//go:embed *.md *.png *.gif gallery/*.md gallery/*.png
var Pages embed.FS

// Index is the name of the page that lists the others.
const Index = "index.md"
