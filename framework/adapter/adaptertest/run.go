package adaptertest

import (
	"testing"

	"github.com/parlor-go/parlor/framework/adapter"
)

// Run runs the tests. start is called for each and returns what its servers are given
// as Options.NewAdapter: they must hear each other, and nobody else. If it returns nil
// there is one server, without an adapter, which has to do the same for its own clients.
func Run(t *testing.T, start func(t *testing.T) adapter.New) {
	t.Helper()
	alone := false
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			newAdapter := start(t)
			alone = newAdapter == nil
			test.run(t, newAdapter)
		})
	}
	if alone {
		return
	}
	for _, test := range clusterTests {
		t.Run(test.name, func(t *testing.T) { test.run(t, start(t)) })
	}
}

type test struct {
	name string
	run  func(t *testing.T, newAdapter adapter.New)
}

// clusterTests need several servers.
var clusterTests = []test{
	{"local delivery if publishing fails", localDeliveryIfPublishingFails},
	{"a server that goes is missing at once", aServerThatGoesIsMissing},
	{"a server leaves", aServerLeaves},
	{"missing answers to server-side events", missingServerSideAnswers},
}

var tests = []test{
	{"emit reaches all", emitReachesAll},
	{"emit stays in its namespace", emitStaysInItsNamespace},
	{"emit to rooms", emitToRooms},
	{"several rooms deliver once", severalRoomsDeliverOnce},
	{"except", except},
	{"a socket leaves itself out", aSocketLeavesItselfOut},
	{"binary", binary},
	{"order", order},
	{"local", local},
	{"nobody", nobody},

	{"acks of all", acksOfAll},
	{"binary acks", binaryAcks},
	{"acks of nobody", acksOfNobody},
	{"acks of this server", acksOfThisServer},
	{"missing acks", missingAcks},
	{"a client that goes is missing at once", aClientThatGoesIsMissing},

	{"join", joinRooms},
	{"leave", leaveRooms},
	{"close a room", closeRoom},
	{"disconnect", disconnect},
	{"close connections", closeConnections},

	{"fetch", fetch},
	{"fetch one", fetchOne},
	{"a fetched socket", aFetchedSocket},
	{"count", count},

	{"server-side events", serverSideEvents},
	{"answers to server-side events", serverSideAnswers},

	{"nothing after close", nothingAfterClose},
}
