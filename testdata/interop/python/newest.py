"""What the newest release has: simple clients, and one that connects again after it left."""
import socketio

from check import check
from client import Client, loop, patience, run as wait, transports, url


def run():
    simple = (socketio.AsyncSimpleClient if loop else socketio.SimpleClient)()
    wait(simple.connect, url, auth={"token": "s3cret"}, transports=transports, wait_timeout=patience)
    event, welcome = wait(simple.receive, timeout=patience)
    check("what comes first", [event, welcome["auth"], welcome["id"]], ["welcome", {"token": "s3cret"}, simple.sid])
    wait(simple.emit, "echo", ("text", {"deep": [b"\x01"]}))
    check("events", wait(simple.receive, timeout=patience), ["echoed", "text", {"deep": [b"\x01"]}])
    check("calls", wait(simple.call, "results", timeout=patience), ("one", 2))
    check("the simple client's transport", simple.transport, transports[-1])

    room = (socketio.AsyncSimpleClient if loop else socketio.SimpleClient)()
    wait(room.connect, url, namespace="/room", transports=transports, wait_timeout=patience)
    check("another namespace", wait(room.call, "where", timeout=patience), "/room")

    again = Client()
    for n in range(2):
        again.connect(auth={"n": n})
        check("connecting again", again.take("welcome")[0]["auth"], {"n": n})
        again.disconnect()
