// Package clientjs serves the Socket.IO client to the pages of the examples, and
// keeps them to it.
package clientjs

import (
	"net/http"
	"os"
	"path/filepath"
)

// CDN is where the client is loaded from if there is no copy on this machine.
const CDN = cdn + "/4.8.1/socket.io.min.js"

const cdn = "https://cdn.socket.io"

// Secure lets a page run its own scripts and the client, nothing else: what
// people write is text, and stays text even if a mistake in the page forgets it.
func Secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'self'; script-src 'self' "+cdn+"; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// Handler answers with the client bundle: a copy that npm has installed in
// testdata/interop or in the working directory, or in a folder above; else a
// redirect to the CDN. It looks once, when it is made.
func Handler() http.Handler {
	if file := find(); file != "" {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) })
	}
	return http.RedirectHandler(CDN, http.StatusFound)
}

// find returns the path of a local copy, or "".
func find() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	for {
		for _, base := range []string{"testdata/interop", "."} {
			file := filepath.Join(dir, base, "node_modules/socket.io-client/dist/socket.io.min.js")
			if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
				return file
			}
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
}
