package transport

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestAMessageCanBeTakenApartAgain(t *testing.T) {
	long := []byte(strings.Repeat("x", 70_000))
	tests := []struct {
		name        string
		text        []byte
		attachments [][]byte
	}{
		{"a text", []byte("hello"), nil},
		{"an empty text", []byte{}, nil},
		{"a text and attachments", []byte("hello"), [][]byte{{1, 2}, {}, long}},
		{"attachments alone", nil, [][]byte{{1}}},
		{"a long text", long, [][]byte{long[:200]}},
	}
	for _, tt := range tests {
		text, attachments := NewMessage(tt.text, tt.attachments...).Parts()
		if !bytes.Equal(text, tt.text) || (text == nil) != (tt.text == nil) {
			t.Errorf("%s: got the text %.20q, want %.20q", tt.name, text, tt.text)
		}
		if !slices.EqualFunc(attachments, tt.attachments, bytes.Equal) {
			t.Errorf("%s: got %d attachments, want %d, the same", tt.name, len(attachments), len(tt.attachments))
		}
	}
}
