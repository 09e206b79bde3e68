package framework

import (
	"crypto/rand"
	"encoding/base64"
)

// newID makes a socket id: 20 characters that nobody can guess. Cluster
// adapters of the reference tell ids from rooms by that length.
func newID() string {
	var b [15]byte
	_, _ = rand.Read(b[:]) // never fails, says crypto/rand
	return base64.RawURLEncoding.EncodeToString(b[:])
}
