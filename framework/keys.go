package framework

// Key names a value that a socket carries through its life: what Flask keeps in
// the session and JavaScript in socket.data, with a type. A package makes its
// keys once, as variables.
type Key[T any] struct{ id *keyID }

type keyID struct {
	name string
	json *keyID // under which the value's JSON is stored, if others may read it; nil in that itself
}

// NewKey makes a key. Two keys differ even if their names do not; name is for people,
// for observers and for other servers of a cluster (Key.From). What is stored under a key
// without a name, "", neither of them is told.
func NewKey[T any](name string) Key[T] { return Key[T]{&keyID{name, &keyID{name: name}}} }

// Set stores v on s. It is safe for concurrent use. Other servers of a cluster
// (Options.NewAdapter) and Observer.Set get the JSON of what v is at that moment: who
// changes something in it stores it again.
func (k Key[T]) Set(s *Socket, v T) {
	if k.id == nil {
		panic("framework: the zero Key is no key: make it with NewKey")
	}
	s.store(k.id, v)
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
