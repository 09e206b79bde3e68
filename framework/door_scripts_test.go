package framework_test

import "slices"

// doorScripts are the scripts to begin from.
func doorScripts() [][]byte {
	message := func(text string) byte { return byte(slices.Index(messages, text)) }
	post := func(session byte, texts ...string) []byte { // on connection 1
		b := []byte{doRequest, 1, 1, 0, 0, 0, session, 0, 0, 0, byte(len(texts))}
		for _, text := range texts {
			b = append(b, message(text))
		}
		return b
	}
	frame := func(first, form byte, texts ...string) []byte { // on connection 2
		b := []byte{doFrame, 2, first, form, byte(len(texts))}
		for _, text := range texts {
			b = append(b, message(text))
		}
		return b
	}
	raw := func(text string) []byte { return append([]byte{doRaw, 0, byte(len(text))}, text...) }
	open := []byte{doRequest, 0, 0, 0, 0, 0, 0, 0, 0}
	open3 := []byte{doRequest, 0, 0, 0, 1, 0, 0, 0, 0}
	poll := []byte{doRequest, 0, 0, 0, 0, 0, 2, 0, 0}
	ws := []byte{doUpgrade, 2, 0, 0, 0, 0, 0}
	ws3 := []byte{doUpgrade, 2, 1, 0, 0, 0, 0}
	probe := []byte{doUpgrade, 2, 0, 2, 0, 0, 0}
	sleep := func(tenths byte) []byte { return []byte{doSleep, 0, tenths} }
	stall := []byte{doStall, 2}
	hangUp := func(slot byte) []byte { return []byte{doClose, slot} }
	script := func(options byte, parts ...[]byte) []byte {
		return append([]byte{options}, slices.Concat(parts...)...)
	}

	var all [][]byte
	for _, options := range []byte{0, 1, 2, 4, 24, 32, 64, 128, 255} {
		all = append(all,
			script(options, open, post(2, "40"), poll, post(2, `42["echo",1]`, `422["panic"]`, `42["leave"]`), poll, poll),
			script(options, open, poll, post(2, "40", `42["slow"]`, `42["slow"]`), hangUp(0), sleep(3)),
			script(options, ws, frame(0x81, 0, "40"), frame(0x81, 0, `42["flood"]`), stall, frame(0x81, 0, `42["flood"]`), sleep(20)),
			script(options, open, post(2, "40"), probe, frame(0x81, 0, "2probe"), poll, frame(0x81, 0, "5"), frame(0x81, 0, `42["echo",1]`), frame(0x88, 0, "")),
			script(options, open, probe, frame(0x81, 0, "5"), sleep(15), probe, frame(0x81, 0, "2probe"), hangUp(2), poll),
			script(options, ws, frame(0x81, 3, "40"), ws, frame(0xf1, 0, "40"), ws, frame(0x81, 4, "40"), ws, frame(0x89, 1, "40")),
			script(options, ws, frame(0x81, 0, "40"), frame(0x81, 0, `451-["echo",{"_placeholder":true,"num":0}]`), frame(0x82, 0, "3"), frame(0x01, 0, "42"), frame(0x80, 0, "b*")),
			script(options, open, poll, []byte{doRequest, 2, 0, 0, 0, 0, 2, 0, 0}, post(2, "1")),
			script(options, open3, post(2, "2:40", "1:2"), poll, ws3, frame(0x82, 0, "4"), frame(0x81, 0, "2")),
			script(options, raw("GET / HTTP/1.1\r\nHost: x\r\n"), sleep(30), raw("\r\n")),
		)
	}
	return append(all,
		script(0, open, []byte{doRequest, 1, 1, 0, 0, 0, 2, 0, 0, 5, 1, message("40")}, sleep(39)),
		script(0, open, []byte{doRequest, 1, 1, 0, 0, 0, 2, 0, 0, 6, 1, message("40")}),
		script(8, []byte{doRequest, 0, 2, 0, 0, 0, 0, 0, 13}, []byte{doRequest, 0, 0, 0, 0, 0, 0, 0, 2}),
		script(1, []byte{doRequest, 0, 0, 0, 0, 0, 0, 1, 18}, []byte{doRequest, 1, 1, 0, 1, 0, 2, 1, 0, 0, 1, message("d=2%3A40")}),
		script(2, []byte{doUpgrade, 2, 0, 0, 0, 0, 2}, frame(0x81, 0, "40"), frame(0xc1, 0, "40"), sleep(5)),
		script(0, ws, sleep(39), ws, frame(0x81, 0, "40/members,"), frame(0x81, 0, "40/room/a,"), frame(0x81, 0, "41/room/a,")),
	)
}
