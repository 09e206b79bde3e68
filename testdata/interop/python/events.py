"""Events both ways, with all that JSON can say, and in order."""
from check import check
from client import connect

cases = [
    ("no argument",),
    ("text", "hello"),
    ("empty text", ""),
    ("integers", 0, -1, 42, 2**31, 2**53 + 1, -(2**63), 2**64 - 1, 10**30),
    ("fractions", -0.25, 0.1, 1e-7, 1e300, 5e-324, 1.0, -0.0),
    ("bool", True, False),
    ("null", None),
    ("unicode", "Grüße, мир, 世界, 👩‍👩‍👧, \u2028 \u0000 \\ \" </script>"),
    ("list", [1, [2, [3, []]]]),
    ("nested", {"a": {"b": {"c": [{"d": None}, "e"]}}, "": "empty key", "ключ": 1}),
    ("several", 1, "two", {"three": 3}, [4], None),
    ("placeholder look-alike", {"_placeholder": "", "num": "none"}),
    ("100 kB", "ü" * 50_000),
]
count = 300


def run():
    client = connect()
    for name, *args in cases:
        client.emit("echo", *args)
        check(name, client.take("echoed"), args)

    client.emit("typed", "Ann", 3, {"tags": ["a", "b"], "extra": True})
    check("decoded into Go types", client.take("typed"), ["Ann", 3, {"tags": ["a", "b"]}])
    client.emit("message", "a message")
    check("send", client.take("message"), ["a message"])
    client.emit("with spaces & ünïcode", 1)
    check("a name no method has", client.take("with spaces & ünïcode"), [1])

    client.emit("burst", count)
    check("from the server, in order", client.take_numbers("burst", count), list(range(count)))
    for n in range(count):
        client.emit("collect", n, None if n % 5 else bytes([n % 256]))
    check("to the server, in order", client.call("collected"), list(range(count)))
    check("and what it answered each", client.take_numbers("tick", count), list(range(count)))
    client.check_transport()
    client.disconnect()
