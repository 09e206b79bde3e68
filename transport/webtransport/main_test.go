package webtransport

import (
	"testing"

	"github.com/parlor-go/parlor/framework/sockettest"
)

func TestMain(m *testing.M) { sockettest.Main(m) }
