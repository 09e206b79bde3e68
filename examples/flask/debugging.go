package main

import (
	"os"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/transport"
)

// Debugging and Troubleshooting: logs of both levels.
func newServer() *framework.Server {
	// region logger
	logger := zerolog.New(os.Stderr).With().Timestamp().Logger()
	srv := framework.New(framework.Options{
		Logger:    logger,                            // Socket.IO: connects at info, events at debug
		Transport: transport.Options{Logger: logger}, // Engine.IO: sessions at debug, refused requests at warn
	})
	// endregion
	return srv
}
