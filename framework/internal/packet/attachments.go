package packet

import (
	"bytes"
	"encoding/json"
	"errors"
)

// errIllegal is the reference's own wording.
var errIllegal = errors.New("illegal attachments")

// CheckPlaceholders walks the arguments of a binary packet and makes sure that
// every {"_placeholder":true} in them names one of its attachments, as the
// reference's parser does (protocol v5, "Packet encoding"), and that no two name the
// same: no encoder writes that, and each of them would be an attachment of its own,
// a megabyte for thirty bytes, when the data is sent on.
func CheckPlaceholders(elems [][]byte, attachments int) error {
	var room [16]bool // more than most packets have
	named := room[:]
	if attachments > len(named) {
		named = make([]bool, attachments)
	}
	named = named[:attachments]
	if usual(elems, named) {
		return nil
	}
	clear(named)
	for _, elem := range elems {
		if !mayHold(elem) {
			continue
		}
		d := json.NewDecoder(bytes.NewReader(elem))
		d.UseNumber() // one that no float64 holds is a number all the same
		var v any
		if err := d.Decode(&v); err != nil {
			return err
		}
		if err := checkPlaceholders(v, named); err != nil {
			return err
		}
	}
	return nil
}

// mayHold spares plain numbers and strings the walk.
func mayHold(elem []byte) bool { return elem[0] == '{' || elem[0] == '[' }

// usual tells whether all placeholders in elems are as every encoder writes them, and
// each names an attachment of its own. It reads no structure, so where it is not sure
// it says no.
func usual(elems [][]byte, named []bool) bool {
	for _, elem := range elems {
		if mayHold(elem) && !usualIn(elem, named) {
			return false
		}
	}
	return true
}

func usualIn(elem []byte, named []bool) bool {
	if bytes.IndexByte(elem, '\\') >= 0 {
		return false // a key may be written with escapes
	}
	for {
		i := bytes.Index(elem, placeholderKey)
		if i < 0 {
			return true
		}
		if i < 2 || elem[i-1] != '"' || elem[i-2] != '{' || !bytes.HasPrefix(elem[i:], placeholderText) {
			return false
		}
		num, rest, ok := digits(elem[i+len(placeholderText):])
		if !ok || num >= uint64(len(named)) || named[num] || len(rest) == 0 || rest[0] != '}' {
			return false
		}
		named[num] = true
		elem = rest
	}
}

var (
	placeholderKey  = []byte(`_placeholder`)
	placeholderText = []byte(`_placeholder":true,"num":`)
)

func checkPlaceholders(v any, named []bool) error {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			if err := checkPlaceholders(item, named); err != nil {
				return err
			}
		}
	case map[string]any:
		if v["_placeholder"] == true {
			text, _ := v["num"].(json.Number)
			num, err := text.Float64()
			if err != nil || num < 0 || num >= float64(len(named)) || num != float64(int(num)) || named[int(num)] {
				return errIllegal
			}
			named[int(num)] = true
			return nil
		}
		for _, item := range v {
			if err := checkPlaceholders(item, named); err != nil {
				return err
			}
		}
	}
	return nil
}
