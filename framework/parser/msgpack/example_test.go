package msgpack_test

import (
	"fmt"
	"net/http"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/parser"
	"github.com/parlor-go/parlor/framework/parser/msgpack"
)

func Example() {
	srv := framework.New(framework.Options{Parser: msgpack.Parser{}})
	srv.On("add", func(a, b int) int { return a + b })
	http.Handle("/socket.io/", srv)

	// Clients get it too, in JavaScript
	//	import * as parser from "socket.io-msgpack-parser";
	//	const socket = io({ parser });
	// and in Python
	//	sio = socketio.Client(serializer="msgpack")
}

func ExampleParser_Encode() {
	_, messages, err := msgpack.Parser{}.Encode(parser.Packet{
		Type:        parser.Event,
		Namespace:   "/",
		Data:        []byte(`["file",{"_placeholder":true,"num":0}]`),
		Attachments: [][]byte{{0xff}},
	})
	fmt.Printf("%q %v\n", messages, err)
	// Output:
	// ["\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa4file\xc4\x01\xff"] <nil>
}
