package main

import (
	"net/http/httptest"
	"os"
	"testing"

	"github.com/parlor-go/parlor/examples/internal/testclients"
)

// Screenshots go to the folder that PARLOR_SCREENSHOTS names, if it does.
func TestTwoBrowsersChat(t *testing.T) {
	server := httptest.NewServer(newApp())
	defer server.Close()
	testclients.RunBrowser(t, "browser-chat.mjs", server.URL, os.Getenv("PARLOR_SCREENSHOTS"))
}
