"""The server goes away and comes back; the Go test restarts it in between."""
from check import check, tell
from client import Client


def run():
    client = Client("/", "/room", reconnection=True, reconnection_delay=0.02, reconnection_delay_max=0.1,
                    randomization_factor=0)
    client.connect(auth={"label": "me"})
    client.take("connect")
    before = client.id()
    check("before", client.call("same", 1), 1)
    tell("connected")
    client.take("disconnect")
    tell("lost")
    client.take("connect")
    client.take("connect", "/room")
    check("a new id", client.id() != before, True)
    check("after", client.call("same", 3), 3)
    check("in the other namespace, too", client.call("where", namespace="/room"), "/room")
    client.check_transport()
    client.disconnect()
