package board

import (
	"embed"
	"io/fs"
	"net/http"

	"dialtone/observe/palette"
)

//go:embed page
var pageFiles embed.FS

// pageHandler serves the page's files, and its colours.
func pageHandler() http.Handler {
	mux := http.NewServeMux()
	files, err := fs.Sub(pageFiles, "page")
	if err != nil {
		panic(err) // it is there, or this would not have compiled
	}
	mux.Handle("GET /", http.FileServerFS(files))
	mux.HandleFunc("GET /palette.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		w.Write([]byte(palette.Variables()))
	})
	return mux
}
