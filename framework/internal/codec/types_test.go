package codec

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"reflect"
	"strings"
	"time"
)

// Types that the tests share. None holds a []byte or an any, so that encoding/json
// says what is right, unless the name ends in Binary.

type (
	namedString string
	namedInt    int16
	namedSlice  []namedInt
	namedPtr    *namedInt

	// level decodes itself from a string, by its pointer, and encodes by value.
	level int

	// pair has JSON methods on its pointer only.
	pair struct{ a, b int }

	base struct {
		ID    int
		Name  string `json:"name,omitempty"`
		Both  string
		Lower string `json:"lower"`
	}
	Other struct {
		Both  string
		Extra *int
	}
	deepest struct {
		Name string // hidden by base's, one level up
		Deep float32
	}
	Deeper struct{ deepest }

	wide struct {
		base
		*Other
		Deeper `json:"deeper"`
		Self   *wide            `json:"self"`
		List   []wide           `json:"list,omitempty"`
		ByName map[string]wide  `json:"byName,omitempty"`
		Ints   map[namedInt]int `json:",omitempty"`
		Levels map[level]bool   `json:"levels,omitzero"`
		Fixed  [3]uint8
		Flags  []bool
		When   time.Time
		Maybe  *time.Time `json:"maybe,omitzero"`
		Addr   netip.Addr
		Big    *big.Int
		Raw    json.RawMessage
		Num    json.Number `json:"num"`
		Level  level
		Pair   pair
		Pairs  []pair
		Nope   chan int `json:"-"`
		//lint:ignore SA5008 the odd names are what is tested
		Dash string `json:"-,"`
		//lint:ignore SA5008 not a valid name: the field's own counts
		Bad       int `json:"a\"b"`
		Umlaut    int `json:"größe"`
		Symbol    int `json:"€"`
		Punct     int `json:"a.b/c d"`
		hidden    int
		F32       float32 `json:"f32"`
		F64       float64 `json:"f64,omitempty"`
		U8        uint8   `json:"u8"`
		I64       int64
		Anonymous struct {
			X, Y int
		} `json:"anon"`
	}

	quoted struct {
		I int         `json:"i,string"`
		U *uint16     `json:"u,string"`
		F float64     `json:"f,string"`
		B bool        `json:"b,string"`
		S string      `json:"s,string"`
		N json.Number `json:"n,string"`
		//lint:ignore SA5008 has no effect here
		L  []int `json:"l,string"`
		Lv level `json:"lv,string"`
	}

	// left and right make A ambiguous, B is right's by its tag, C is left's.
	left struct {
		A, B int
		C    int
	}
	right struct {
		A  int
		B2 int `json:"B"`
	}
	ambiguous struct {
		left
		right
	}
	// tagged's fields hide those of Rival that share their names by accident only.
	tagged struct {
		X    int `json:"same"`
		Y    int `json:"keep"`
		Same int
	}
	rivals struct {
		tagged
		Rival
	}
	Rival struct {
		X    int
		Keep int
	}

	// loud and quiet each have JSON methods, so that mute, which embeds both, has none.
	loud  struct{ A int }
	quiet struct{ B int }
	mute  struct {
		loud  `json:"l"`
		quiet `json:"q"`
	}

	twiceInner struct{ Z int }
	twiceA     struct{ twiceInner }
	twiceB     struct{ twiceInner }
	twice      struct {
		twiceA
		twiceB
	}
	taggedEmbedded struct {
		base `json:"in"`
	}

	omitting struct {
		Z zeroDay            `json:"z,omitzero"`
		P *zeroDay           `json:"p,omitzero"`
		V zeroByPtr          `json:"v,omitzero"`
		S []int              `json:"s,omitempty"`
		M map[string]int     `json:"m,omitzero"`
		A [0]int             `json:"a,omitempty"`
		T struct{}           `json:"t,omitempty"`
		I interface{ Foo() } `json:"i,omitempty"`
		E zeroer             `json:"e,omitzero"`
	}
	zeroDay   int
	zeroByPtr struct{ n int }

	labelKey     struct{ s string }
	jsonLabelKey struct{ s string }

	node2 struct {
		V    int
		Next *node2
	}
)

func (d zeroDay) IsZero() bool    { return d == 7 }
func (z *zeroByPtr) IsZero() bool { return z.n == 9 }

func (l *level) UnmarshalText(text []byte) error {
	n, ok := strings.CutPrefix(string(text), "L")
	if !ok {
		return errors.New("no level")
	}
	_, err := fmt.Sscanf(n, "%d", (*int)(l))
	return err
}
func (l level) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "L%d", int(l)), nil }

func (*loud) UnmarshalJSON([]byte) error   { return nil }
func (*quiet) UnmarshalJSON([]byte) error  { return nil }
func (loud) MarshalJSON() ([]byte, error)  { return []byte("1"), nil }
func (quiet) MarshalJSON() ([]byte, error) { return []byte("2"), nil }

func (p *pair) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	var ab [2]int
	err := json.Unmarshal(text, &ab)
	p.a, p.b = ab[0], ab[1]
	return err
}
func (p *pair) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "[ %d, %d ]", p.a, p.b), nil }

func (k *labelKey) UnmarshalText(text []byte) error { k.s = "t:" + string(text); return nil }
func (k labelKey) MarshalText() ([]byte, error)     { return []byte(k.s), nil }

func (k *jsonLabelKey) UnmarshalText(text []byte) error { k.s = "t:" + string(text); return nil }
func (k *jsonLabelKey) UnmarshalJSON(text []byte) error { return json.Unmarshal(text, &k.s) }
func (k jsonLabelKey) MarshalText() ([]byte, error)     { return []byte(k.s), nil }

// agreeing lists the types on which this package and encoding/json agree.
var agreeing = []reflect.Type{
	reflect.TypeFor[string](), reflect.TypeFor[namedString](), reflect.TypeFor[bool](),
	reflect.TypeFor[int](), reflect.TypeFor[int8](), reflect.TypeFor[int16](), reflect.TypeFor[int32](), reflect.TypeFor[int64](),
	reflect.TypeFor[uint](), reflect.TypeFor[uint8](), reflect.TypeFor[uint16](), reflect.TypeFor[uint32](), reflect.TypeFor[uint64](),
	reflect.TypeFor[uintptr](), reflect.TypeFor[float32](), reflect.TypeFor[float64](), reflect.TypeFor[namedInt](),
	reflect.TypeFor[json.Number](), reflect.TypeFor[*int](), reflect.TypeFor[**string](), reflect.TypeFor[namedPtr](),
	reflect.TypeFor[*json.RawMessage](), reflect.TypeFor[[]json.RawMessage](),
	reflect.TypeFor[[]int](), reflect.TypeFor[namedSlice](), reflect.TypeFor[[]string](), reflect.TypeFor[[][]bool](),
	reflect.TypeFor[[3]int](), reflect.TypeFor[[2]uint8](), reflect.TypeFor[[0]int](), reflect.TypeFor[[]*float64](),
	reflect.TypeFor[map[string]int](), reflect.TypeFor[map[namedString][]int](), reflect.TypeFor[map[int8]string](),
	reflect.TypeFor[map[uint16]*bool](), reflect.TypeFor[map[level]int](), reflect.TypeFor[map[labelKey]int](),
	reflect.TypeFor[map[jsonLabelKey]int](), reflect.TypeFor[map[string]map[string]string](), reflect.TypeFor[map[string][2]int](),
	reflect.TypeFor[time.Time](), reflect.TypeFor[netip.Addr](), reflect.TypeFor[big.Int](), reflect.TypeFor[level](),
	reflect.TypeFor[pair](), reflect.TypeFor[[]pair](), reflect.TypeFor[map[string]pair](),
	reflect.TypeFor[base](), reflect.TypeFor[wide](), reflect.TypeFor[*wide](), reflect.TypeFor[[]wide](), reflect.TypeFor[quoted](),
	reflect.TypeFor[ambiguous](), reflect.TypeFor[twice](), reflect.TypeFor[rivals](), reflect.TypeFor[taggedEmbedded](), reflect.TypeFor[node2](),
	reflect.TypeFor[struct{}](), reflect.TypeFor[struct{ K, S int }](),
}

// documents are JSON texts, and near misses, that make the types' differences show.
var documents = []string{
	`null`, `true`, `false`, `0`, `-0`, `1`, `-1`, `7`, `127`, `128`, `-129`, `255`, `256`, `65536`, `4294967296`,
	`9223372036854775807`, `9223372036854775808`, `18446744073709551615`, `18446744073709551616`, `-9223372036854775808`,
	`1.0`, `1.5`, `1e3`, `1E+2`, `1e-2`, `-0.0`, `1e400`, `3.5e38`, `1e-400`, `0.1`,
	`01`, `1.`, `.5`, `+1`, `-`, `1e`, `0x1`, `1_0`, `NaN`, `Infinity`, `nul`, `nulll`, `tru`, `falsey`,
	`""`, `"a"`, `"L5"`, `"12"`, `"1.2.3.4"`, `"::1"`, `"2024-05-06T07:08:09Z"`, `"\u0041\n\t\b\f\r\/\\\""`, `"\ud83d\ude00"`,
	`"\ud83d"`, `"\ude00x"`, `"\ud83d\u0041"`, `"\ud83d\ud83d\ude00"`, "\"\xff\xc3\"", `"grüße "`, `"\u00"`, `"\x"`, `"a`, "\"\x01\"", `"\`, `"\u12g4"`,
	` "space" `, "\t[ 1 , 2 ]\n", ` { "a" : 1 } `, `[]`, `[1]`, `[1,2,3,4]`, `[1,]`, `[,1]`, `[1 2]`, `[null]`, `[[true],[],null]`, `["a","b"]`, `[1.5,null]`,
	`[[1,2],[3,4]]`, `[1,"x"]`, `[`, `]`, `[}`, `{}`, `{"a":1}`, `{"a":1,}`, `{"a"}`, `{"a":}`, `{a:1}`, `{"a" 1}`, `{,}`, `{"a":1 "b":2}`, `{"":1}`,
	`{"1":"x","-2":"y"}`, `{"300":"x"}`, `{"L1":1,"L2":2}`, `{"\u0061":1}`, `{"a":[1,2]}`, `{"a":{"b":"c"}}`, `{"a":null}`, `{"1":true,"2":null}`, `{"true":1}`,
	`1 2`, `{} {}`, ``, ` `, "\x00", `"a"b`, `{"_placeholder":true,"num":0}`,
	`{"ID":1,"name":"n","Both":"x","lower":"l"}`, `{"id":1,"NAME":"n","both":"x","LOWER":"l"}`, `{"ID":"1"}`, `{"ID":null,"name":null}`,
	`{"in":{"ID":3,"name":"x"}}`, `{"in":null}`, `{"A":1,"B":2,"C":3}`, `{"Z":1}`, `{"K":1,"ſ":2}`, `{"k":1,"s":2}`,
	`{"ID":1,"Extra":5,"deeper":{"Deep":1.5,"Name":"d"},"self":{"ID":2,"self":{"self":null}},"list":[{"ID":3},{}],"byName":{"q":{"ID":4}},"unknown":{"x":[1,{"y":null}]}}`,
	`{"Ints":{"-5":1},"levels":{"L3":true},"Fixed":[1,2],"Flags":[true,false],"When":"2024-05-06T07:08:09Z","maybe":null,"Addr":"::1","Big":123456789012345678901234567890}`,
	`{"Raw":{"a": [1, 2]},"num":1e5,"Level":"L9","Pair":[1,2],"Pairs":[[3,4],null],"-":"dash","a.b/c d":5,"Bad":6,"hidden":7,"f32":1.25,"f64":2.5,"u8":255,"i64":-3,"anon":{"x":1,"Y":2}}`,
	`{"Fixed":[1,2,3,4,5],"u8":256}`, `{"When":5}`, `{"When":"yesterday"}`, `{"Level":5}`, `{"num":"12"}`, `{"num":"x"}`, `{"num":""}`, `{"Raw":null}`, `{"Nope":1}`,
	`{"i":"5","u":"6","f":"1.5","b":"true","s":"\"q\\\"\"","n":"12","l":[1],"lv":"\"L4\""}`, `{"i":5}`, `{"i":""}`, `{"i":"x"}`, `{"i":"null","u":"null","s":"null"}`,
	`{"i":null,"u":null}`, `{"i":" 5"}`, `{"i":"5 "}`, `{"s":"q"}`, `{"b":"True"}`, `{"n":"\"3\""}`, `{"i":[1]}`, `{"lv":"L4"}`, `{"u":"70000"}`,
	`{"same":1,"keep":2,"Same":3,"Keep":4}`, `{"größe":1,"GRÖSSE":2,"€":3,"Symbol":4}`,
	`{"V":1,"Next":{"V":2,"Next":{"V":3}}}`,
}
