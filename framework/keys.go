package framework

// Key names a value that a socket carries through its life: what Flask keeps in
// the session and JavaScript in socket.data, with a type. A package makes its
// keys once, as variables.
type Key[T any] struct{ id *keyID }

type keyID struct{ name string }

// NewKey makes a key. Two keys differ even if their names do not; name is for
// people.
func NewKey[T any](name string) Key[T] { return Key[T]{&keyID{name}} }

// Set stores v on s. It is safe for concurrent use.
func (k Key[T]) Set(s *Socket, v T) {
	if k.id == nil {
		panic("framework: the zero Key is no key: make it with NewKey")
	}
	var value any = v // once, for it may be copied to the heap
	s.mu.Lock()
	if s.values == nil {
		s.values = make(map[*keyID]any)
	}
	s.values[k.id] = value
	accepted := s.accepted // else accept will tell
	s.mu.Unlock()
	if accepted {
		s.tellValue(k.id, value)
	}
}

// Get returns what was stored on s, and whether anything was.
func (k Key[T]) Get(s *Socket) (T, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.values[k.id].(T)
	return v, ok
}

// String returns the key's name.
func (k Key[T]) String() string {
	if k.id == nil {
		return "zero Key"
	}
	return k.id.name
}
