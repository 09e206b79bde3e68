package adaptertest_test

import (
	"testing"

	"github.com/parlor-go/parlor/framework/adapter"
	"github.com/parlor-go/parlor/framework/adapter/adaptertest"
	"github.com/parlor-go/parlor/framework/sockettest"
)

func TestMain(m *testing.M) { sockettest.Main(m) }

func TestOneServerNeedsNoAdapter(t *testing.T) {
	adaptertest.Run(t, func(*testing.T) adapter.New { return nil })
}

func TestABusJoinsServers(t *testing.T) {
	adaptertest.Run(t, func(*testing.T) adapter.New { return new(bus).join })
}
