package transport

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"strconv"
	"strings"
	"sync"
)

// compressor is a gzip.Writer or zlib.Writer.
type compressor interface {
	io.WriteCloser
	Reset(io.Writer)
}

// Compressors are pooled: each is 800 KiB of tables. The level is right.
var (
	gzips = sync.Pool{New: func() any {
		z, _ := gzip.NewWriterLevel(nil, flate.BestSpeed)
		return z
	}}
	zlibs = sync.Pool{New: func() any {
		z, _ := zlib.NewWriterLevel(nil, flate.BestSpeed)
		return z
	}}
)

// compress returns body in a content coding that acceptedCoding has returned.
func compress(body []byte, coding string) []byte {
	pool := &gzips
	if coding == "deflate" {
		pool = &zlibs // that is what HTTP means by the name, RFC 9110 section 8.4.1.2
	}
	z := pool.Get().(compressor)
	defer pool.Put(z)
	var compressed bytes.Buffer
	z.Reset(&compressed)
	_, _ = z.Write(body) // a Buffer does not fail
	_ = z.Close()
	return compressed.Bytes()
}

// acceptedCoding returns the content coding for a client that sent these
// Accept-Encoding headers: gzip or deflate, whichever it likes better and gzip if it
// does not say, or "". RFC 9110 section 12.5.3.
func acceptedCoding(headers []string) string {
	gzip, deflate, wildcard := -1.0, -1.0, -1.0 // not mentioned
	for _, header := range headers {
		for coding := range strings.SplitSeq(header, ",") {
			name, params, _ := strings.Cut(coding, ";")
			q := quality(params)
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "gzip", "x-gzip":
				gzip = q
			case "deflate":
				deflate = q
			case "*":
				wildcard = q
			}
		}
	}
	if gzip < 0 {
		gzip = wildcard
	}
	switch {
	case gzip > 0 && gzip >= deflate:
		return "gzip"
	case deflate > 0:
		return "deflate"
	default:
		return ""
	}
}

// quality returns the q among a coding's parameters: 1 without one, 0 if it is none.
func quality(params string) float64 {
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(param, "=")
		if strings.EqualFold(strings.TrimSpace(name), "q") {
			q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil || q < 0 || q > 1 { // or NaN
				return 0
			}
			return q
		}
	}
	return 1
}
