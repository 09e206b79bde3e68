"""Several namespaces on one connection, by functions and by classes; refusals."""
import queue

import socketio

from check import check
from client import Client, connect, loop, patience

heard = queue.Queue()


class Room(socketio.ClientNamespace):
    def on_connect(self):
        heard.put("connect")

    def on_news(self, text):
        heard.put(text)
        self.emit("news back", "heard " + text)

    def on_question(self, *args):
        return (self.call("where"), *args)

    def on_disconnect(self, *reason):
        heard.put("disconnect")


class AsyncRoom(socketio.AsyncClientNamespace):
    async def on_connect(self):
        heard.put("connect")

    async def on_news(self, text):
        heard.put(text)
        await self.emit("news back", "heard " + text)

    async def on_question(self, *args):
        return (await self.call("where"), *args)

    def on_disconnect(self, *reason):
        heard.put("disconnect")


def run():
    functions()
    classes()
    refusals()


def functions():
    client = connect("/", "/room")
    check("ids differ", len({client.id(), client.id("/room"), client.client.sid}), 3)
    check("the server sees one client", client.call("also in", "/room"), client.id("/room"))
    check("the other namespace answers", client.call("where", namespace="/room"), "/room")
    client.call("news", "hello", namespace="/room")
    client.call("same")
    check("an event", client.take("news", "/room"), ["hello"])
    check("stays in its namespace", client.heard["/", "news"].qsize(), 0)

    client.emit("kick", namespace="/room")
    client.take("disconnect", "/room")
    check("the server ends one, and the other stays", client.call("also in", "/room"), "")
    check("the client knows", list(client.client.namespaces), ["/"])
    client.check_transport()
    client.disconnect()


def classes():
    client = Client("/")
    client.client.register_namespace((AsyncRoom if loop else Room)("/room"))
    client.connect(namespaces=None)  # those that have handlers
    check("a class hears of its connection", heard.get(timeout=patience), "connect")
    client.call("news", "to a class", namespace="/room")
    check("a class is told", heard.get(timeout=patience), "to a class")
    client.emit("ask", 1, b"\x02", namespace="/room")
    check("a class is asked, and asks in turn", client.take("answered"), ["/room", 1, b"\x02"])
    client.emit("kick", namespace="/room")
    check("a class is sent away", heard.get(timeout=patience), "disconnect")
    client.disconnect()


def refusals():
    def refusal(path, auth):
        """What a refused client is told. It does not wait: some releases would for the whole time, and others not."""
        client = Client(path).connect(auth=auth, wait=False)
        error = client.take("connect_error", path)
        check("a refused client is in no namespace", client.client.namespaces, {})
        client.disconnect()
        return error

    check("a refusal", refusal("/guarded", {"token": "wrong"}),
          [{"message": "not with that token", "data": {"hint": "ask Ann", "tries": [1, 2]}}])
    check("a refusal without data", refusal("/guarded", {"token": ""}), [{"message": "Connection rejected by server"}])
    check("a failure has no text", refusal("/guarded", {"token": "panic"}), [{"message": "Internal server error"}])
    check("an unknown namespace", refusal("/nowhere", None), [{"message": "Invalid namespace"}])
    try:
        Client("/guarded").connect(auth={"token": "wrong"}, wait_timeout=1)
        check("connect fails", "it did not", "an exception")
    except socketio.exceptions.ConnectionError:
        check("connect fails", True, True)

    both = Client("/", "/guarded").connect(auth={"token": "wrong"}, wait=False)
    both.take("connect_error", "/guarded")
    both.take("connect")
    check("the connection outlives a refusal", both.call("same", 3), 3)
    both.check_transport()
    both.disconnect()

    guarded = connect("/guarded", auth={"token": "right"})
    check("what OnConnect emits comes after", guarded.take("welcome", "/guarded"), ["right"])
    guarded.disconnect()
