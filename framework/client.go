package framework

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/transport"
)

// clientNames are the bundles that there may be, each with a map beside it. The
// reference server serves the same.
var clientNames = []string{"socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js"}

// clientTimeout is how long reading one of them may take. They have some 300 KB.
const clientTimeout = time.Minute

// clientFiles serves the JavaScript client.
type clientFiles struct {
	fsys   fs.FS
	log    zerolog.Logger
	engine *transport.Engine // knows which origins may read them
	files  map[string]*clientFile
}

// clientFile is one of the files, as it is once somebody has asked for it.
type clientFile struct {
	missing atomic.Bool // and told of

	mu              sync.Mutex
	etag            string // "" until it has been read
	plain, gzip, br []byte // the latter two nil if there is none
}

// newClientFiles returns nil for no files, and panics if fsys has none of them.
func newClientFiles(fsys fs.FS, log zerolog.Logger, engine *transport.Engine) *clientFiles {
	if fsys == nil {
		return nil
	}
	c := &clientFiles{fsys: fsys, log: log, engine: engine, files: make(map[string]*clientFile)}
	found := false
	for _, name := range clientNames {
		info, err := fs.Stat(fsys, name)
		found = found || err == nil && !info.IsDir()
		c.files[name] = new(clientFile)
		c.files[name+".map"] = new(clientFile)
	}
	if !found {
		panic(fmt.Sprintf("framework: Options.Client has none of %s: want the folder dist of npm's socket.io-client "+
			`itself, such as fs.Sub(files, "node_modules/socket.io-client/dist")`, strings.Join(clientNames, ", ")))
	}
	return c
}

// serve answers a request for one of the files, and reports whether it is one. Only
// the last element of the path is looked at, for who knows what a router has left of it.
func (c *clientFiles) serve(w http.ResponseWriter, r *http.Request) bool {
	name := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	file := c.files[name]
	if file == nil || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	h := w.Header()
	c.engine.SetCORS(h, r)
	if err := file.load(c.fsys, name); err != nil {
		c.tellMissing(file, name, err)
		http.NotFound(w, r)
		return true
	}
	h.Add("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "public, max-age=0") // kept, but asked about each time
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	if strings.HasSuffix(name, ".map") {
		h.Set("Content-Type", "application/json")
	}
	body, etag := file.plain, file.etag
	switch accepted := r.Header["Accept-Encoding"]; {
	case file.br != nil && accepts(accepted, "br"):
		body, etag = file.br, etag+"-br"
		h.Set("Content-Encoding", "br")
	case file.gzip != nil && accepts(accepted, "gzip"):
		body, etag = file.gzip, etag+"-gzip"
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Etag", `"`+etag+`"`)
	h.Set("Content-Length", strconv.Itoa(len(body))) // ServeContent leaves it out of what is encoded
	// Or who does not read it would keep the goroutine, where the HTTP server has no bound.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(clientTimeout))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	return true
}

// load reads the file, and what there is of it compressed, unless that has been done.
func (f *clientFile) load(fsys fs.FS, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.etag != "" {
		return nil
	}
	plain, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	f.plain = plain
	if f.br, err = fs.ReadFile(fsys, name+".br"); err != nil {
		f.br = nil
	}
	if f.gzip, err = fs.ReadFile(fsys, name+".gz"); err != nil {
		f.gzip = zipped(plain)
	}
	sum := sha256.Sum256(plain)
	f.etag = base64.RawURLEncoding.EncodeToString(sum[:15])
	return nil
}

func zipped(plain []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(plain) // a Buffer does not fail
	_ = z.Close()
	return b.Bytes()
}

// tellMissing logs once that a file cannot be served. Maps are asked for by developers
// only, and left out on purpose.
func (c *clientFiles) tellMissing(file *clientFile, name string, err error) {
	if file.missing.Swap(true) {
		return
	}
	ev := c.log.Error()
	if strings.HasSuffix(name, ".map") {
		ev = c.log.Debug()
	}
	ev.Err(err).Str("file", name).Msg("the client was asked for a file that Options.Client does not have")
}

// accepts tells whether Accept-Encoding headers name a coding, with a quality above 0.
func accepts(headers []string, coding string) bool {
	for _, header := range headers {
		for part := range strings.SplitSeq(header, ",") {
			name, params, _ := strings.Cut(part, ";")
			if !strings.EqualFold(strings.TrimSpace(name), coding) {
				continue
			}
			_, q, weighed := strings.Cut(params, "=")
			quality, err := strconv.ParseFloat(strings.TrimSpace(q), 64)
			return !weighed || err == nil && quality > 0
		}
	}
	return false
}
