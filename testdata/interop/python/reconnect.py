"""The server goes away and comes back; the Go test restarts it in between."""
import time

from check import check, tell
from client import Client, patience


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
    # A try may have to be given up, after a second: its connect events say nothing.
    end = time.monotonic() + patience
    while not client.client.connected or client.id() in [before, None]:
        if time.monotonic() > end:
            raise TimeoutError("no new connection")
        time.sleep(0.01)
    check("after", client.call("same", 3), 3)
    check("in the other namespace, too", client.call("where", namespace="/room"), "/room")
    client.check_transport()
    client.disconnect()
