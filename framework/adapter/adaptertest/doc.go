// Package adaptertest holds an adapter against the contract of package adapter: it
// starts three servers that the adapter joins, with a client on each, and checks what
// clients and servers see. It is what the tests of an adapter's own package call:
//
//	func TestRedisKeepsTheContract(t *testing.T) {
//		adaptertest.Run(t, func(t *testing.T) adapter.New {
//			prefix := t.Name() // so that tests do not hear each other
//			return func(local adapter.Local) (adapter.Adapter, error) {
//				return redis.New(client, prefix, local)
//			}
//		})
//	}
//
// It needs a TestMain that looks for goroutines that are left, such as sockettest.Main.
package adaptertest
