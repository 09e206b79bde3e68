package middleware

import (
	"context"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
)

// Logger writes a line at info for each connect and each event, once it has
// been served:
//
//	{"level":"info","nsp":"/chat","sid":"...","event":"join","kind":"event","duration":0.31,"ack":true,"message":"event served"}
//
// duration is how long everything inside took, in milliseconds unless zerolog
// is told otherwise; sid is the beginning of the socket's id (framework.Socket.ID); ack tells whether the client asked for one; error is what
// the handler failed with. Arguments are not logged. A failure is at info too:
// what nobody handles the server itself logs at error, with the stack.
//
// It stands outermost, so that it sees what the other middleware does, and
// Recoverer next to it. It writes to zerolog.Ctx(ctx): that is Options.Logger, or
// the logger that HTTP or connect middleware left in the context.
func Logger(next framework.Handler) framework.Handler {
	return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
		start := time.Now()
		reply, err := next.ServeEvent(ctx, e)

		// The logger brings nsp, sid and, behind connecting, event.
		line := zerolog.Ctx(ctx).Info()
		switch {
		case e.Kind() != framework.KindConnect:
			line.Str("kind", "event").Dur("duration", time.Since(start)).Bool("ack", e.WantsAck()).
				Err(err).Msg("event served")
		case err != nil:
			line.Str("event", e.Name).Str("kind", "connect").Dur("duration", time.Since(start)).
				Err(err).Msg("connect refused")
		default:
			line.Str("event", e.Name).Str("kind", "connect").Dur("duration", time.Since(start)).
				Msg("connect served")
		}
		return reply, err
	})
}
