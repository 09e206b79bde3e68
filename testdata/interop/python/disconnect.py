"""Leaving, from both sides, and what the server is told of it."""
from check import check
from client import connect


def run():
    watch = connect("/watch")

    def gone(label):
        """Why the client of that label has gone, by the server, and how many rooms it was in."""
        while True:
            who, reason, rooms = watch.take("gone", "/watch")
            if who == label:
                return reason, len(rooms)

    client = connect(auth={"label": "leaves"})
    client.call("join", "red")
    client.disconnect()
    client.take("disconnect")
    reason, rooms = gone("leaves")
    check("the client leaves", reason in ["client namespace disconnect", "transport close", "transport error"], True)
    check("its rooms are known to the end", rooms, 2)

    for event in ["kick", "kick out"]:
        client = connect(auth={"label": event})
        client.call("join", "red")
        client.emit(event)
        client.take("disconnect")
        check(event + ": the server sends it away", gone(event), ("server namespace disconnect", 2))

    bad = connect(auth={"label": "bad"})
    bad.emit("echo", float("nan"))  # which Python writes, and JSON has not
    check("what is no JSON ends the connection", gone("bad"), ("forced close", 1))

    last = connect()
    last.emit("last words")
    check("last words", last.take("last words"), ["bye"])
    last.take("disconnect")
    watch.disconnect()
