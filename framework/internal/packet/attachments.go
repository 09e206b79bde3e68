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
// reference's parser does (protocol v5, "Packet encoding").
func CheckPlaceholders(elems [][]byte, attachments int) error {
	for _, elem := range elems {
		if !mayHold(elem) || usual(elem, attachments) {
			continue
		}
		d := json.NewDecoder(bytes.NewReader(elem))
		d.UseNumber() // one that no float64 holds is a number all the same
		var v any
		if err := d.Decode(&v); err != nil {
			return err
		}
		if err := checkPlaceholders(v, attachments); err != nil {
			return err
		}
	}
	return nil
}

// mayHold spares plain numbers and strings the walk.
func mayHold(elem []byte) bool { return elem[0] == '{' || elem[0] == '[' }

// usual tells whether all placeholders in elem are as every encoder writes them, and
// name attachments. It reads no structure, so where it is not sure it says no.
func usual(elem []byte, attachments int) bool {
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
		if !ok || num >= uint64(attachments) || len(rest) == 0 || rest[0] != '}' {
			return false
		}
		elem = rest
	}
}

var (
	placeholderKey  = []byte(`_placeholder`)
	placeholderText = []byte(`_placeholder":true,"num":`)
)

func checkPlaceholders(v any, attachments int) error {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			if err := checkPlaceholders(item, attachments); err != nil {
				return err
			}
		}
	case map[string]any:
		if v["_placeholder"] == true {
			text, _ := v["num"].(json.Number)
			num, err := text.Float64()
			if err != nil || num < 0 || num >= float64(attachments) || num != float64(int(num)) {
				return errIllegal
			}
			return nil
		}
		for _, item := range v {
			if err := checkPlaceholders(item, attachments); err != nil {
				return err
			}
		}
	}
	return nil
}
