package transport

import (
	"strings"
	"testing"
)

// The tests of RFC 7692 with the parameters that deflateAgreed has; which offers are
// taken is in TestAgreeDeflate.
func TestRFC7692(t *testing.T) {
	const (
		whole       = frameText | frameDeflated
		wholeBinary = frameBinary | frameDeflated
		first       = opText | frameDeflated
	)
	long := "4" + strings.Repeat("κόσμε ", 6000)
	wide := "4" + strings.ToValidUTF8(random(suiteLimit/2), "?")
	zip := func(s string) string { return clientFrame(whole, deflated(s)) }
	zipped := deflated("4hello, hello, hello")
	half := len(zipped) / 2
	echo := textEcho("4hello, hello, hello")
	lengthen := func(s string, n int) string { return s + strings.Repeat("a", n-len(s)) }

	cases := []wsCase{
		{"a text", clientFrame(whole, zipped), frames(echo)},
		{"a binary", clientFrame(wholeBinary, deflated("\x00\xff")), frames(frame{opBinary, "\x00\xff"})},
		{"an empty binary", clientFrame(wholeBinary, deflated("")), frames(frame{opBinary, ""})},
		{"an empty binary in one byte, section 7.2.3.6", clientFrame(wholeBinary, "\x00"), frames(frame{opBinary, ""})},
		{"an empty text, which is no Engine.IO packet", clientFrame(whole, "\x00"), frames(frame{opClose, ""})},
		{"one that is stored, section 7.2.3.3", clientFrame(whole, "\x00\x02\x00\xfd\xff4a\x00"), frames(textEcho("4a"))},
		{"one that ends by itself, section 7.2.3.4", clientFrame(whole, deflatedWhole("4a")), frames(textEcho("4a"))},
		{"one that ends by itself and a byte, section 7.2.3.4", clientFrame(whole, deflatedWhole("4a")+"\x00"), frames(textEcho("4a"))},
		{"two blocks, section 7.2.3.5", clientFrame(whole, deflated("4a")+flushEnd+deflated("b")), frames(textEcho("4ab"))},
		{"not compressed", text("4a"), frames(textEcho("4a"))},
		{"not compressed, in fragments", begin("4a") + last("b"), frames(textEcho("4ab"))},
		{"some compressed and some not", zip("4a") + text("4b") + zip("4c") + begin("4d") + last("") + zip("4e"),
			frames(textEcho("4a"), textEcho("4b"), textEcho("4c"), textEcho("4d"), textEcho("4e"))},
		{"a hundred", strings.Repeat(zip("4aaaaaaaa"), 100), repeat(100, textEcho("4aaaaaaaa"))},
		{"a long one", zip(long), frames(textEcho(long))},
		{"a long one that is hard to compress", zip(wide), frames(textEcho(wide))},
		{"as much as may be", zip(lengthen("4", suiteLimit)), frames(textEcho(lengthen("4", suiteLimit)))},
		{"two fragments", clientFrame(first, zipped[:half]) + last(zipped[half:]), frames(echo)},
		{"fragments and an empty first", clientFrame(first, "") + more(zipped[:half]) + last(zipped[half:]), frames(echo)},
		{"fragments and an empty last", clientFrame(first, zipped[:half]) + more(zipped[half:]) + last(""), frames(echo)},
		{"pings between fragments", clientFrame(first, zipped[:half]) + ping("p") + more("") + ping("q") + last(zipped[half:]),
			frames(pongTo("p"), pongTo("q"), echo)},
		{"a close between fragments", clientFrame(first, zipped[:half]) + clientFrame(frameClose, "\x03\xe9"), frames(closed(1001))},

		{"the bit on a continuation", clientFrame(first, zipped[:half]) + clientFrame(bitFinal|frameDeflated, zipped[half:]), frames(closed(1002))},
		{"the bit on a continuation of what is not compressed", begin("4a") + clientFrame(bitFinal|frameDeflated, "b"), frames(closed(1002))},
		{"the bit on a continuation of nothing", clientFrame(bitFinal|frameDeflated, "b"), frames(closed(1002))},
		{"the bit on a ping", clientFrame(bitFinal|opPing|frameDeflated, ""), frames(closed(1002))},
		{"the bit on a pong", clientFrame(bitFinal|opPong|frameDeflated, ""), frames(closed(1002))},
		{"the bit on a close", clientFrame(frameClose|frameDeflated, ""), frames(closed(1002))},
		{"the bit on a reserved opcode", clientFrame(0x83|frameDeflated, ""), frames(closed(1002))},
		{"another bit as well", clientFrame(whole|0x20, zipped), frames(closed(1002))},
		{"a message inside of one", clientFrame(first, zipped[:half]) + text("4a"), frames(closed(1002))},
		{"a compressed message inside of one", clientFrame(first, zipped[:half]) + zip("4a"), frames(closed(1002))},
		{"not masked", string([]byte{whole, byte(len(zipped))}) + zipped, frames(closed(1002))},
		{"a negative length", string([]byte{whole}) + "\xff\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", frames(closed(1002))},

		{"no data at all", clientFrame(whole, ""), frames(closed(1007))},
		{"rubbish", clientFrame(whole, "\xff\xff\xff\xff"), frames(closed(1007))},
		{"cut off", clientFrame(whole, zipped[:half]), frames(closed(1007))},
		{"a block of a kind that there is not", clientFrame(whole, "\x07"), frames(closed(1007))},
		{"a stored block whose lengths differ", clientFrame(whole, "\x00\x02\x00\xff\xff4a"), frames(closed(1007))},
		{"a reference to the message before", zip("4hello") + clientFrame(whole, "\x02\x13\x00"), frames(textEcho("4hello"), closed(1007))},
		{"two streams", clientFrame(whole, deflatedWhole("4a")+deflatedWhole("b")), frames(closed(1007))},
		{"invalid UTF-8", clientFrame(whole, deflated("4\xff")), frames(closed(1007))},
		{"invalid UTF-8 in binary", clientFrame(wholeBinary, deflated("4\xff")), frames(frame{opBinary, "4\xff"})},

		{"a byte too many", zip(lengthen("4", suiteLimit+1)), frames(closed(1009))},
		{"a bomb", zip(lengthen("4", 20<<20)), frames(closed(1009))},
		{"a bomb in fragments", clientFrame(first, "") + last(deflated(lengthen("4", 20<<20))), frames(closed(1009))},
		{"too much by what it claims", clientFrameOf(whole, 1<<40, ""), frames(closed(1009))},
		{"too much by what a fragment claims", clientFrame(first, zipped) + clientFrameOf(0, suiteLimit+suiteLimit/128, ""), frames(closed(1009))},
	}
	for _, way := range []struct {
		name string
		on   []harnessOption
	}{{"pipe", nil}, {"tcp", []harnessOption{onTCP}}} {
		t.Run(way.name, func(t *testing.T) {
			h := newHarness(t, Options{MaxPayload: suiteLimit, PerMessageDeflate: &PerMessageDeflate{Threshold: 1 << 20}}, way.on...)
			for _, tt := range cases {
				for _, chop := range []chop{inWhole, inBytes, inPieces} {
					if n := len(tt.send); chop.shortest <= n && n <= chop.longest {
						h.runCase(t, tt, chop, true)
					}
				}
			}
		})
	}
}
