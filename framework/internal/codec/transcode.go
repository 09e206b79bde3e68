package codec

// What a parser of another format needs to write and read JSON as this package does.

// AppendFloat appends f as ECMAScript writes it; what JSON has no number for is null.
func AppendFloat(dst []byte, f float64) []byte { return appendFloat(dst, f, 64) }

// Unquote resolves the escapes in the body of a valid JSON string. Half surrogates and
// invalid UTF-8 become U+FFFD.
func Unquote(body []byte) []byte { return unquote(body) }
