package main

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/parlor-go/parlor/framework"
)

// Limits of what people send, in characters.
const (
	maxName = 24
	maxRoom = 24
	maxText = 2000
)

var errNoRoom = &framework.Error{Message: "join a room first"}

// clean makes one line of what a client sent, without what nobody can see.
func clean(field, s string, limit int) (string, error) {
	s = strings.Join(strings.Fields(strings.Map(visible, s)), " ")
	return s, check(field, s, limit)
}

// cleanText is clean for a message, whose lines and inner spaces stay.
func cleanText(s string) (string, error) {
	s = strings.TrimSpace(strings.Map(visible, s))
	return s, check("message", s, maxText)
}

// check returns an error that is meant for the client, and says which field of
// the page it is about.
func check(field, s string, limit int) error {
	problem := ""
	switch {
	case !strings.ContainsFunc(s, unicode.IsGraphic):
		problem = fmt.Sprintf("the %s is empty", field)
	case utf8.RuneCountInString(s) > limit:
		problem = fmt.Sprintf("the %s is longer than %d characters", field, limit)
	default:
		return nil
	}
	return &framework.Error{Message: problem, Data: map[string]string{"field": field}}
}

// visible drops control characters, and those that turn the direction of the
// text around them: with these one name can look like another.
func visible(r rune) rune {
	switch {
	case r == '\n', r == '\t':
		return r
	case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
		return -1
	}
	return r
}
