"""Acknowledgements both ways."""
import queue

import socketio

from check import check
from client import connect, loop


def run():
    client = connect()
    check("results", client.call("results"), ("one", 2))
    check("no result", client.call("nothing"), None)
    check("arguments back", client.call("same", 1, {"a": [None]}, "é"), (1, {"a": [None]}, "é"))
    check("later", client.call("later", "x"), "x later")
    check("an error for the client", client.call("fail"), {"error": {"message": "no soup", "data": {"left": 0}}})

    answers = queue.Queue()
    for n in range(50):
        client.emit("same", n, callback=answers.put)
    check("many at once", [answers.get(timeout=30) for _ in range(50)], list(range(50)))
    try:
        check("nobody answers", client.call("nobody knows this", timeout=0.05), "a TimeoutError")
    except socketio.exceptions.TimeoutError:
        check("nobody answers", True, True)

    # The server asks. It tells what it got by the event "answered".
    client.on("question", lambda *args: (*args, "from the client", b"\x07"))
    client.emit("ask me", "how", {"are": "you"})
    check("the server waits for it", client.take("answered"), ["how", {"are": "you"}, "from the client", b"\x07"])
    client.emit("ask me without words")
    check("the server waits for nothing", client.take("answered"), [])
    client.on("sum", lambda a, b: a + b)
    client.emit("ask with callback", 2, 3)
    check("the server has a callback", client.take("called back"), [5, None])
    client.emit("ask inside", 20, 22)
    check("a handler that waits", client.take("answered"), [42])

    # Asked in turn before it answers.
    def question(*args):
        return client.client.call("same", args)

    async def question_async(*args):
        return await client.client.call("same", args)
    client.client.on("question", question_async if loop else question)
    client.emit("ask me", "both", 1)
    check("a client that asks in turn", client.take("answered"), ["both", 1])
    client.check_transport()
    client.disconnect()
