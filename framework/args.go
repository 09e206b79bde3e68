package framework

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/parlor-go/parlor/framework/internal/codec"
	"github.com/parlor-go/parlor/framework/internal/packet"
)

// Args are the arguments of an event, of an ack or of a CONNECT packet, still
// encoded. They are the holder's own for ever and safe for concurrent reading.
//
// As the only argument of an emit, or the only result of a handler, Args are
// spread: the other side gets each of them.
type Args struct {
	elems       [][]byte // one JSON value each
	attachments [][]byte
	err         error // of ArgsOf
}

// ArgsOf encodes values as Emit would. A value that cannot be encoded makes
// every use of the result return that error.
func ArgsOf(values ...any) Args {
	var a Args
	for i, v := range values {
		elem, attachments, err := codec.Append(nil, a.attachments, v)
		if err != nil {
			return Args{err: fmt.Errorf("framework: encode argument %d: %w", i, err)}
		}
		a.elems, a.attachments = append(a.elems, elem), attachments
	}
	// What was given may be changed by its owner, so attachments are copied.
	for i, b := range a.attachments {
		a.attachments[i] = append([]byte{}, b...)
	}
	return a
}

// Len is the number of arguments.
func (a Args) Len() int { return len(a.elems) }

// Raw is argument i as JSON, or nil if there is none. A binary attachment in it
// stands as {"_placeholder":true,"num":n}. Do not change it.
func (a Args) Raw(i int) json.RawMessage {
	if i < 0 || i >= len(a.elems) {
		return nil
	}
	return a.elems[i]
}

// Decode decodes argument i into v, a non-nil pointer, by the rules of handler
// parameters: JSON, and a binary attachment where v has a []byte.
func (a Args) Decode(i int, v any) error {
	if a.err != nil {
		return a.err
	}
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return fmt.Errorf("framework: decode argument %d: want a non-nil pointer, got %T", i, v)
	}
	if i < 0 || i >= len(a.elems) {
		return fmt.Errorf("framework: decode argument %d: there are %d", i, len(a.elems))
	}
	plan, err := codec.Compile(p.Type().Elem())
	if err != nil {
		return fmt.Errorf("framework: decode argument %d: %w", i, err)
	}
	if err := plan.Decode(a.elems[i], a.attachments, p.Elem()); err != nil {
		return fmt.Errorf("framework: decode argument %d into %s: %w", i, p.Type().Elem(), err)
	}
	return nil
}

// appendTo spreads a into an array that is open: its values are encoded already.
func (a Args) appendTo(dst []byte, first bool) []byte {
	for i, elem := range a.elems {
		if i > 0 || !first {
			dst = append(dst, ',')
		}
		dst = append(dst, elem...)
	}
	return dst
}

// clone copies the arguments, for who is shown what somebody else is served: that may
// change what it was given.
func (a Args) clone() Args {
	c := Args{err: a.err, elems: make([][]byte, len(a.elems)), attachments: make([][]byte, len(a.attachments))}
	for i, elem := range a.elems {
		c.elems[i] = bytes.Clone(elem)
	}
	for i, b := range a.attachments {
		c.attachments[i] = bytes.Clone(b)
	}
	return c
}

// size is how many bytes there are.
func (a Args) size() int {
	n := 0
	for _, elem := range a.elems {
		n += len(elem)
	}
	for _, b := range a.attachments {
		n += len(b)
	}
	return n
}

// MarshalJSON encodes the arguments as one array. Inside other data Args are
// such an array; only as the sole argument they spread.
func (a Args) MarshalJSON() ([]byte, error) {
	if a.err != nil {
		return nil, a.err
	}
	if len(a.attachments) > 0 {
		return nil, fmt.Errorf("framework: Args with binary attachments can only be sent as the sole argument")
	}
	return append(a.appendTo([]byte{'['}, true), ']'), nil
}

// parseArgs validates the JSON array of a packet, of which it keeps the bytes,
// and splits it. scratch may hold room for the elements.
func parseArgs(array []byte, scratch [][]byte, attachments [][]byte, maxDepth int) (Args, error) {
	elems, err := packet.Split(array, scratch, maxDepth)
	if err != nil {
		return Args{}, err
	}
	if len(attachments) > 0 {
		if err := packet.CheckPlaceholders(elems, len(attachments)); err != nil {
			return Args{}, err
		}
	}
	return Args{elems: elems, attachments: attachments}, nil
}
