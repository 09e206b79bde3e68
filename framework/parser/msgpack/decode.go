package msgpack

import (
	"bytes"
	"errors"
	"fmt"
	"math"

	"github.com/parlor-go/parlor/framework/parser"
)

// decoder takes packets apart. Between two it keeps a little room and the namespace,
// which is mostly the same.
type decoder struct {
	maxAttachments int
	namespace      string
	room           []byte
}

// maxRoom is how much of it, bytes.
const maxRoom = 1 << 10

var (
	errText      = errors.New("msgpack: text message")
	errTrailing  = errors.New("bytes behind the packet")
	errType      = errors.New("packet without a type from 0 to 4")
	errNamespace = errors.New("packet without a namespace")
	errData      = errors.New("data does not fit the packet's type")
)

// Decode implements parser.Decoder.
func (d *decoder) Decode(data []byte, binary bool) (p parser.Packet, complete bool, err error) {
	if !binary {
		return parser.Packet{}, false, errText
	}
	r := reader{in: data, out: d.room[:0], maxAttachments: d.maxAttachments}
	if p, err = d.packet(&r); err != nil {
		return parser.Packet{}, false, fmt.Errorf("msgpack: %w", err)
	}
	if cap(r.out) <= maxRoom {
		d.room = r.out
	}
	return p, true, nil
}

// packet reads the members in whatever order they come; of one that is there twice the
// last counts. Those that it does not know are read all the same: the JavaScript
// client sends its options along.
func (d *decoder) packet(r *reader) (p parser.Packet, err error) {
	members, err := r.mapHeader()
	if err != nil {
		return p, err
	}
	kind, nsp := uint64(math.MaxUint64), []byte(nil)
	for range members {
		key, err := r.text()
		if err != nil {
			return p, err
		}
		switch string(key) {
		case "type":
			kind, err = r.uint()
		case "nsp":
			nsp, err = r.text()
		case "id":
			if p.HasID = !r.absent(); p.HasID {
				p.ID, err = r.uint()
			}
		case "data":
			r.out, r.attachments = r.out[:0], nil
			if !r.absent() {
				err = r.value(0)
			}
		default:
			err = r.skip()
		}
		if err != nil {
			return p, err
		}
	}
	if len(r.in) > 0 {
		return p, errTrailing
	}
	if kind > uint64(parser.ConnectError) {
		return p, errType
	}
	if nsp == nil {
		return p, errNamespace
	}
	p.Type, p.Namespace, p.Attachments = parser.Type(kind), d.intern(nsp), r.attachments
	if len(r.out) > 0 {
		p.Data = r.out
	}
	return p, checkData(p)
}

// intern makes no string of a namespace that the client has just used.
func (d *decoder) intern(nsp []byte) string {
	if string(nsp) == d.namespace {
		return d.namespace
	}
	s := string(nsp)
	if len(s) <= maxRoom {
		d.namespace = s
	}
	return s
}

// checkData is isDataValid of socket.io-msgpack-parser.
func checkData(p parser.Packet) error {
	var first byte // 0 without data
	if p.Data != nil {
		first = p.Data[0]
	}
	if bytes.HasPrefix(p.Data, placeholder) {
		first = 0xc4 // not an object, but binary data in the place of all
	}
	ok := false
	switch p.Type {
	case parser.Connect:
		ok = first == 0 || first == '{'
	case parser.Disconnect:
		ok = first == 0
	case parser.ConnectError:
		ok = first == '"' || first == '{'
	default:
		ok = first == '['
	}
	if !ok {
		return errData
	}
	return nil
}
