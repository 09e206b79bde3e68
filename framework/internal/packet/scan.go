package packet

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/parlor-go/parlor/transport"
)

// MostDepth is the most that may be chosen for how deep arrays and objects are nested:
// decoders recurse, encoding/json up to here too.
const MostDepth = 10_000

var (
	errEnd     = errors.New("JSON ends too early")
	errTooDeep = errors.New("JSON is nested too deep")
)

// Split validates the JSON array b, nested no deeper than maxDepth, and appends its
// elements, still encoded, to dst. The elements point into b.
func Split(b []byte, dst [][]byte, maxDepth int) ([][]byte, error) {
	elems, err := split(b, dst, maxDepth-1)
	return elems, named(err, maxDepth)
}

// Valid checks that b is one JSON value, nested no deeper than maxDepth.
func Valid(b []byte, maxDepth int) error {
	end, err := value(b, space(b, 0), maxDepth)
	if err != nil {
		return named(err, maxDepth)
	}
	return trailing(b, end)
}

// named makes the error that names the bound of what is nested too deep.
func named(err error, maxDepth int) error {
	if err != errTooDeep {
		return err
	}
	return &transport.LimitError{Option: "MaxDepth", Detail: fmt.Sprintf("JSON is nested deeper than %d", maxDepth)}
}

// split is Split, with room for so many levels inside of the array.
func split(b []byte, dst [][]byte, room int) ([][]byte, error) {
	i := space(b, 0)
	if i == len(b) || b[i] != '[' {
		return dst, errors.New("payload is not an array")
	}
	i = space(b, i+1)
	if i < len(b) && b[i] == ']' {
		return dst, trailing(b, i+1)
	}
	for {
		start := i
		end, err := value(b, i, room)
		if err != nil {
			return dst, err
		}
		dst = append(dst, b[start:end:end])
		i = space(b, end)
		if i == len(b) {
			return dst, errEnd
		}
		switch b[i] {
		case ',':
			i = space(b, i+1)
		case ']':
			return dst, trailing(b, i+1)
		default:
			return dst, unexpected(b, i)
		}
	}
}

// EventName reads the first element of an event: a string that is not
// reserved, or a number, which stands for its own text as in JavaScript. The
// result points into elem where it can.
func EventName(elem []byte) ([]byte, error) {
	name := elem
	switch c := elem[0]; {
	case c == '"':
		name = elem[1 : len(elem)-1]
		for i := range name {
			if name[i] == '\\' {
				return unescapedName(elem)
			}
		}
	case c == '-' || '0' <= c && c <= '9':
	default:
		return nil, errors.New("event name is neither a string nor a number")
	}
	if Reserved(string(name)) {
		return nil, fmt.Errorf("event name %q is reserved", name)
	}
	return name, nil
}

// PeekName returns the name of an event from the JSON array of its packet, if it is
// written plainly and comes first: for looking up who serves it, ahead of Split and
// EventName, which check it. Else it returns nil.
func PeekName(array []byte) []byte {
	if len(array) < 2 || array[0] != '[' || array[1] != '"' {
		return nil
	}
	for i, c := range array[2:] {
		switch c {
		case '"':
			return array[2 : 2+i]
		case '\\':
			return nil
		}
	}
	return nil
}

// unescapedName decodes an event name that is written with escapes, so that
// "\u0063onnect" is as reserved as "connect".
func unescapedName(elem []byte) ([]byte, error) {
	var name string
	if err := json.Unmarshal(elem, &name); err != nil {
		return nil, fmt.Errorf("event name: %w", err)
	}
	if Reserved(name) {
		return nil, fmt.Errorf("event name %q is reserved", name)
	}
	return []byte(name), nil
}

func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

func trailing(b []byte, i int) error {
	if i = space(b, i); i < len(b) {
		return unexpected(b, i)
	}
	return nil
}

func unexpected(b []byte, i int) error {
	r, _ := utf8.DecodeRune(b[i:])
	return fmt.Errorf("unexpected %q at byte %d of the JSON", r, i)
}

// value returns the index behind the value that starts at b[i] and may have room levels.
func value(b []byte, i, room int) (int, error) {
	if i >= len(b) {
		return i, errEnd
	}
	switch c := b[i]; {
	case c == '"':
		return text(b, i)
	case c == '{' || c == '[':
		if room == 0 {
			return i, errTooDeep
		}
		return composite(b, i, room-1)
	case c == '-' || '0' <= c && c <= '9':
		return number(b, i)
	case c == 't':
		return literal(b, i, "true")
	case c == 'f':
		return literal(b, i, "false")
	case c == 'n':
		return literal(b, i, "null")
	}
	return i, unexpected(b, i)
}

// composite reads an object or an array, b[i] being its opening bracket, whose values may
// have room levels.
func composite(b []byte, i, room int) (int, error) {
	object, closing := b[i] == '{', b[i]+2 // '{' and '}', '[' and ']' are two apart
	i = space(b, i+1)
	if i < len(b) && b[i] == closing {
		return i + 1, nil
	}
	for {
		var err error
		if object {
			if i, err = member(b, i); err != nil {
				return i, err
			}
		}
		if i, err = value(b, i, room); err != nil {
			return i, err
		}
		i = space(b, i)
		if i == len(b) {
			return i, errEnd
		}
		if b[i] == closing {
			return i + 1, nil
		}
		if b[i] != ',' {
			return i, unexpected(b, i)
		}
		i = space(b, i+1)
	}
}

// member reads an object's key and colon and returns where its value starts.
func member(b []byte, i int) (int, error) {
	if i >= len(b) {
		return i, errEnd
	}
	if b[i] != '"' {
		return i, unexpected(b, i)
	}
	i, err := text(b, i)
	if err != nil {
		return i, err
	}
	i = space(b, i)
	if i == len(b) {
		return i, errEnd
	}
	if b[i] != ':' {
		return i, unexpected(b, i)
	}
	return space(b, i+1), nil
}

func text(b []byte, i int) (int, error) {
	for i++; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return i + 1, nil
		case c < ' ':
			return i, unexpected(b, i)
		case c == '\\':
			n, err := escape(b, i)
			if err != nil {
				return i, err
			}
			i += n
		}
	}
	return i, errEnd
}

// escape returns how many bytes follow the backslash at b[i].
func escape(b []byte, i int) (int, error) {
	if i+1 >= len(b) {
		return 0, errEnd
	}
	switch b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 1, nil
	case 'u':
		if i+5 >= len(b) {
			return 0, errEnd
		}
		for _, c := range b[i+2 : i+6] {
			if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F') {
				return 0, unexpected(b, i)
			}
		}
		return 5, nil
	}
	return 0, unexpected(b, i)
}

func number(b []byte, i int) (int, error) {
	if b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else {
		var err error
		if i, err = decimals(b, i); err != nil {
			return i, err
		}
	}
	if i < len(b) && b[i] == '.' {
		var err error
		if i, err = decimals(b, i+1); err != nil {
			return i, err
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		return decimals(b, i)
	}
	return i, nil
}

// decimals reads one digit or more.
func decimals(b []byte, i int) (int, error) {
	start := i
	for i < len(b) && '0' <= b[i] && b[i] <= '9' {
		i++
	}
	if i > start {
		return i, nil
	}
	if i == len(b) {
		return i, errEnd
	}
	return i, unexpected(b, i)
}

func literal(b []byte, i int, want string) (int, error) {
	if len(b)-i < len(want) {
		return i, errEnd
	}
	if string(b[i:i+len(want)]) != want {
		return i, unexpected(b, i)
	}
	return i + len(want), nil
}
