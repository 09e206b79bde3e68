"""Python's client with serializer="msgpack": python3 messagepack.py URL MODE."""
import os
import queue
import sys

import msgpack
import socketio

from check import check, say

url, mode = sys.argv[1:3]
transports = {"websocket": ["websocket"], "polling": ["polling"], "upgrade": ["polling", "websocket"]}[mode]

client = socketio.Client(serializer="msgpack", reconnection=False)
inbox = queue.Queue()
for event in ["welcome", "echoed", "answered"]:
    client.on(event, lambda *args: inbox.put(list(args)))
client.on("question", lambda *args: tuple(args) + (b"\x07",))
client.connect(url, transports=transports, wait_timeout=20, auth={"token": "s3cret", "deep": [1, None, "ключ"]})
check("auth arrives", inbox.get(timeout=20)[0]["auth"], {"token": "s3cret", "deep": [1, None, "ключ"]})
check("the transport", client.transport(), "polling" if mode == "polling" else "websocket")

cases = [
    ("integers", (0, -1, 127, 128, 255, 256, 65536, 2**32, 2**53 + 1, 2**63 - 1, 2**64 - 1, -(2**63))),
    ("fractions", (0.5, -2.25, 1e-7, 1e300)),
    ("text", ("", "Grüße, мир, 世界, 🔑 \u2028 \u0000 \" \\", "ü" * 70_000)),
    ("the rest of JSON", (None, True, False, [], {}, [[None]], {"a": {"b": [1, "c"]}})),
    ("binary in its place", (b"", b"\x00\xff", {"deep": [b"x", "beside"]}, b"\x09" * 100_000)),
    ("long lists", (list(range(70_000)), {str(n): n for n in range(20)})),
]
for name, args in cases:
    check(name + ", by an ack", client.call("same", args, timeout=20), args)
    client.emit("echo", args)
    check(name + ", by an event", inbox.get(timeout=20), list(args))

check("integers for keys", client.call("same", {1: "a", -2: "b"}), {"1": "a", "-2": "b"})
check("no numbers", client.call("same", [float("nan"), float("inf")]), [None, None])
check("a timestamp", client.call("same", msgpack.Timestamp(1709210096, 789_000_000)), "2024-02-29T12:34:56.789Z")
check("its nanoseconds", client.call("same", msgpack.Timestamp(-1, 1)), "1969-12-31T23:59:59.000000001Z")
client.emit("ask me", ("how", {"are": "you"}))
check("the server asks", inbox.get(timeout=20), ["how", {"are": "you"}, b"\x07"])

refused = socketio.Client(serializer="msgpack", reconnection=False)
errors = queue.Queue()
refused.on("connect_error", errors.put, namespace="/guarded")
refused.connect(url, transports=transports, namespaces=["/guarded"], auth={"token": "wrong"}, wait=False)
check("a refusal", errors.get(timeout=20),
      {"message": "not with that token", "data": {"hint": "ask Ann", "tries": [1, 2]}})
say(done=True)
os._exit(0)  # a client that polls may leave only with the next ping
