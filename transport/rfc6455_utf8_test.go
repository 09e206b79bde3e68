package transport

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// invalidUTF8 is of each kind there is, RFC 3629 section 3 and 4.
var invalidUTF8 = []struct{ name, text string }{
	{"lone continuation", "\x80"},
	{"last lone continuation", "\xbf"},
	{"six continuations", "\x80\xbf\x80\xbf\x80\xbf"},
	{"two bytes cut to one", "\xc3"},
	{"two bytes with a space for the second", "\xc3 "},
	{"three bytes cut to one", "\xe2"},
	{"three bytes cut to two", "\xe2\x82"},
	{"three bytes cut to two, then a letter", "\xe2\x82a"},
	{"four bytes cut to one", "\xf0"},
	{"four bytes cut to two", "\xf0\x9f"},
	{"four bytes cut to three", "\xf0\x9f\x98"},
	{"four bytes cut to three, then a letter", "\xf0\x9f\x98a"},
	{"five bytes", "\xf8\x88\x80\x80\x80"},
	{"six bytes", "\xfc\x84\x80\x80\x80\x80"},
	{"fe", "\xfe"},
	{"ff", "\xff"},
	{"overlong slash in two", "\xc0\xaf"},
	{"overlong slash in three", "\xe0\x80\xaf"},
	{"overlong slash in four", "\xf0\x80\x80\xaf"},
	{"overlong NUL in two", "\xc0\x80"},
	{"overlong NUL in three", "\xe0\x80\x80"},
	{"overlong NUL in four", "\xf0\x80\x80\x80"},
	{"greatest overlong of two", "\xc1\xbf"},
	{"greatest overlong of three", "\xe0\x9f\xbf"},
	{"greatest overlong of four", "\xf0\x8f\xbf\xbf"},
	{"first surrogate", "\xed\xa0\x80"},
	{"last high surrogate", "\xed\xaf\xbf"},
	{"first low surrogate", "\xed\xb0\x80"},
	{"last surrogate", "\xed\xbf\xbf"},
	{"pair of surrogates", "\xed\xa0\x80\xed\xb0\x80"},
	{"U+110000", "\xf4\x90\x80\x80"},
	{"beyond by the first byte", "\xf5\x80\x80\x80"},
	{"Latin 1", "caf\xe9"},
	{"UTF-16", "\xff\xfea\x00"},
}

// validUTF8 are the first and last of each length, and what is easily taken for invalid.
var validUTF8 = []string{
	"\x00", "\x7f", "\u0080", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\ufffd", "\ufffe", "\uffff",
	"\U00010000", "\U0001fffe", "\U0001ffff", "\U0010fffd", "\U0010fffe", "\U0010ffff", "\ufeff", "\ufdd0",
	"κόσμε", "Hello-µ@ßöäüàá-UTF-8!!", "日本語", "😀👩‍👩‍👧", "é",
}

func TestRFC6455UTF8(t *testing.T) {
	var cases []wsCase
	for _, s := range validUTF8 {
		if !utf8.ValidString(s) {
			t.Fatalf("%q is invalid", s)
		}
		cases = append(cases, wsCase{fmt.Sprintf("%+q", s), text("4" + s), frames(textEcho("4" + s))})
		cases = append(cases, cut(fmt.Sprintf("%+q", s), "4"+s, textEcho("4"+s))...)
	}
	for _, tt := range invalidUTF8 {
		cases = append(cases,
			wsCase{tt.name, text("4" + tt.text), frames(closed(1007))},
			wsCase{tt.name + " behind something", text("4κόσμε" + tt.text), frames(closed(1007))},
			wsCase{tt.name + " behind much", text("4" + strings.Repeat("a", 2*minPiece-1) + tt.text), frames(closed(1007))},
			wsCase{tt.name + " in binary", clientFrame(frameBinary, tt.text), frames(frame{opBinary, tt.text})},
			wsCase{tt.name + " in a ping", ping(tt.text), frames(pongTo(tt.text))},
			wsCase{tt.name + " in a close", clientFrame(frameClose, "\x03\xe8"+tt.text), frames(closed(1007))},
		)
		cases = append(cases, cut(tt.name, "4"+tt.text+"edited", closed(1007))...)
	}
	runSuite(t, false, cases)
}

// cut sends message in two fragments, cut at each byte, and in fragments of a byte.
func cut(name, message string, want frame) []wsCase {
	var cases []wsCase
	single := begin("")
	for i := range len(message) { // by bytes, not runes
		single += more(message[i : i+1])
	}
	for i := 1; i < len(message); i++ {
		cases = append(cases, wsCase{fmt.Sprintf("%s cut at %d", name, i), begin(message[:i]) + last(message[i:]), frames(want)})
	}
	return append(cases, wsCase{name + " in fragments of a byte", single + last(""), frames(want)})
}
