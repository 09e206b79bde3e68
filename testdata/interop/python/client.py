"""One face for both clients, socketio.Client and socketio.AsyncClient.

python3 run.py URL MODE KIND ..., where MODE is "websocket", "polling" or "upgrade",
and KIND is "sync" or "async".
"""
import asyncio
import collections
import queue
import sys
import threading

import socketio

from check import check

url, mode, kind = sys.argv[1:4]
transports = {"websocket": ["websocket"], "polling": ["polling"], "upgrade": ["polling", "websocket"]}[mode]
patience = 30  # seconds, on a slow machine

loop = asyncio.new_event_loop() if kind == "async" else None
if loop:
    threading.Thread(target=loop.run_forever, daemon=True).start()
else:
    # Client handles each message in a thread of its own. At the usual interval one
    # may overtake another, and an attachment its packet: let each run to its end.
    sys.setswitchinterval(60)


def run(call, *args, **kwargs):
    """Calls a method of a client, and waits for it if it is a coroutine."""
    if not loop:
        return call(*args, **kwargs)

    async def there():
        result = call(*args, **kwargs)
        return await result if asyncio.iscoroutine(result) else result
    return asyncio.run_coroutine_threadsafe(there(), loop).result(2 * patience)


class Client:
    """A client, and what it has heard in each of its namespaces."""

    def __init__(self, *namespaces, **options):
        options = {"reconnection": False, "request_timeout": patience, **options}
        self.namespaces = list(namespaces or ["/"])
        self.client = run(socketio.AsyncClient if loop else socketio.Client, **options)
        self.heard = collections.defaultdict(queue.SimpleQueue)
        for path in self.namespaces:
            for event in ["connect", "connect_error", "disconnect"]:
                self.on(event, self.note(path, event), path)
            self.on("*", lambda event, *args, path=path: self.note(path, event)(*args), path)

    def note(self, path, event):
        return lambda *args: self.heard[path, event].put(list(args))

    def on(self, event, handler, namespace="/"):
        """Registers a function, which AsyncClient runs as a coroutine."""
        async def coroutine(*args):
            return handler(*args)
        self.client.on(event, coroutine if loop else handler, namespace=namespace)

    def connect(self, query="", **options):
        options = {"transports": transports, "namespaces": self.namespaces, "wait_timeout": patience, **options}
        run(self.client.connect, url + query, **options)
        return self

    def emit(self, event, *args, namespace="/", **options):
        run(self.client.emit, event, args, namespace=namespace, **options)

    def call(self, event, *args, namespace="/", timeout=patience):
        return run(self.client.call, event, args, namespace=namespace, timeout=timeout)

    def take(self, event, namespace="/"):
        """Waits for the arguments of the next of these events."""
        return self.heard[namespace, event].get(timeout=patience)

    def take_numbers(self, event, n):
        """Waits for the numbers that come with n events. Those of Client, each in a thread, have no order."""
        numbers = [self.take(event)[0] for _ in range(n)]
        return numbers if loop else sorted(numbers)

    def id(self, namespace="/"):
        return self.client.get_sid(namespace)

    def disconnect(self):
        """Leaves so that the server hears of it: a client forgets to say so while a POST of its is answered."""
        if mode == "polling":
            run(self.client.eio.queue.join)
        if not loop:
            self.on("disconnect", self.flush, self.namespaces[0])
        run(self.client.disconnect)

    def flush(self, *reason):
        """Handles a disconnect. Client, in release 5.7, throws away behind that what is not written yet."""
        writer = self.client.eio.write_loop_task
        if writer:
            writer.join(patience)
        self.note(self.namespaces[0], "disconnect")(*reason)

    def check_transport(self):
        check("the transport", self.client.transport(), "polling" if mode == "polling" else "websocket")


def connect(*namespaces, **options):
    return Client(*namespaces).connect(**options)
