package transport

// Parts takes the message apart again: its text, nil without one, and its attachments.
// They belong to the message and must not be changed.
func (m *Message) Parts() (text []byte, attachments [][]byte) {
	for frames := m.frames; len(frames) > 0; {
		opcode, data, rest := nextFrame(frames)
		if opcode == frameText {
			text = data[1:]
		} else {
			attachments = append(attachments, data)
		}
		frames = rest
	}
	return text, attachments
}
