"""Rooms and broadcasts among three clients."""
from check import check
from client import connect


def run():
    a, b, c = clients = {name: connect() for name in "abc"}.values()
    members = dict(zip("abc", clients))

    def say(client, *args):
        """Has one of them talk, and returns who heard it. What the calls behind it bring back comes later."""
        client.call(*args)
        heard = []
        for name, member in members.items():
            member.call("same")
            said = member.heard["/", "said"]
            while not said.empty():
                text, *raw = said.get()
                heard.append(f"{name}:{text}" + (f":{raw[0]['length']}:{raw[0]['data']!r}" if raw else ""))
        return heard

    a.call("join", "red")
    b.call("join", "red", "blue")
    c.call("join", "blue")
    check("a lists its rooms", a.call("rooms"), [a.id(), "red"])
    check("everybody", say(a, "say", "all"), ["a:all", "b:all", "c:all"])
    check("everybody else", say(a, "say others", "others"), ["b:others", "c:others"])
    check("a room, the sender in it", say(a, "say to", ["red"], "red"), ["a:red", "b:red"])
    check("a room, from outside", say(c, "say to", ["red"], "red"), ["a:red", "b:red"])
    check("two rooms, each once", say(a, "say to", ["red", "blue"], "both"), ["a:both", "b:both", "c:both"])
    check("a room without the sender", say(a, "say to others", ["red"], "red"), ["b:red"])
    check("no room", say(a, "say to", [], "nobody"), [])
    check("a room with nobody in it", say(a, "say to", ["green"], "nobody"), [])
    check("everybody but a room", say(a, "say except", ["red"], "rest"), ["c:rest"])
    check("one by id", say(a, "say to", [c.id()], "you"), ["c:you"])
    check("binary to a room", say(a, "say binary to", ["blue"], b"\x01\x02"),
          ["b:binary:2:b'\\x01\\x02'", "c:binary:2:b'\\x01\\x02'"])
    b.call("leave", "red")
    check("who left is not told", say(a, "say to", ["red"], "red"), ["a:red"])
    for client in clients:
        client.check_transport()
        client.disconnect()
