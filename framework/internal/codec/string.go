package codec

import (
	"unicode/utf16"
	"unicode/utf8"
)

// stringClass marks the bytes that need care inside a JSON string: quote,
// backslash, control characters, and everything that is not ASCII.
var stringClass = func() (class [256]byte) {
	for b := range class {
		if b < ' ' || b == '"' || b == '\\' || b >= utf8.RuneSelf {
			class[b] = 1
		}
	}
	return class
}()

// escapeLen returns the length of the escape sequence that s begins with, 0 if it
// is not one.
func escapeLen(s []byte) int {
	if len(s) < 2 {
		return 0
	}
	switch s[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(s) >= 6 && hex4(s[2:6]) >= 0 {
			return 6
		}
	}
	return 0
}

// hex4 returns the value of four hexadecimal digits, -1 if they are not.
func hex4(s []byte) rune {
	var r rune
	for _, b := range s[:4] {
		switch {
		case isDigit(b):
			b -= '0'
		case 'a' <= b && b <= 'f':
			b -= 'a' - 10
		case 'A' <= b && b <= 'F':
			b -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(b)
	}
	return r
}

// unquote resolves the escapes in body, whose sequences cursor.quoted has checked.
// Half surrogates and invalid UTF-8 become U+FFFD, as in encoding/json.
func unquote(body []byte) []byte {
	out := make([]byte, 0, len(body))
	for i := 0; i < len(body); {
		run := i
		for i < len(body) && stringClass[body[i]] == 0 {
			i++
		}
		out = append(out, body[run:i]...)
		if i == len(body) {
			break
		}
		if body[i] != '\\' {
			r, n := utf8.DecodeRune(body[i:])
			out = utf8.AppendRune(out, r)
			i += n
			continue
		}
		switch b := body[i+1]; b {
		case 'u':
			r, n := unescapeRune(body[i:])
			out = utf8.AppendRune(out, r)
			i += n
			continue
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		default: // quote, backslash, slash
			out = append(out, b)
		}
		i += 2
	}
	return out
}

// unescapeRune reads the \uXXXX at the start of s, or the two of a surrogate pair,
// and returns the number of bytes read.
func unescapeRune(s []byte) (rune, int) {
	r := hex4(s[2:6])
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if rest := s[6:]; len(rest) >= 6 && rest[0] == '\\' && rest[1] == 'u' {
		if pair := utf16.DecodeRune(r, hex4(rest[2:6])); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return utf8.RuneError, 6
}

// appendString appends s as a JSON string. It escapes what encoding/json does
// without HTML escaping: U+2028 and U+2029 too, which JavaScript's eval, and so
// JSONP, takes for line ends. Invalid UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	done := 0 // s[:done] is written
	for i := 0; i < len(s); {
		b := s[i]
		if stringClass[b] == 0 {
			i++
			continue
		}
		if b >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			escape := ""
			switch {
			case r == utf8.RuneError && n == 1:
				escape = `\ufffd`
			case r == '\u2028':
				escape = `\u2028`
			case r == '\u2029':
				escape = `\u2029`
			}
			if escape != "" {
				dst = append(dst, s[done:i]...)
				dst = append(dst, escape...)
				done = i + n
			}
			i += n
			continue
		}
		dst = append(dst, s[done:i]...)
		switch b {
		case '"', '\\':
			dst = append(dst, '\\', b)
		case '\b':
			dst = append(dst, `\b`...)
		case '\f':
			dst = append(dst, `\f`...)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[b>>4], hex[b&15])
		}
		i++
		done = i
	}
	dst = append(dst, s[done:]...)
	return append(dst, '"')
}

// AppendString is Append for a string, which cannot fail.
func AppendString(dst []byte, s string) []byte { return appendString(dst, s) }
