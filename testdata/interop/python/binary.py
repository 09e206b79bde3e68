"""Binary data both ways: at the top, at depth, beside text, in acks."""
from check import check
from client import connect

cases = [
    ("one", b"\x01\x02\x03"),
    ("empty", b""),
    ("all values", bytes(range(256))),
    ("beside text", "a", b"\x00\xff", {"n": 1}, b"\x04"),
    ("at depth", {"file": {"name": "x", "parts": [b"\x01", {"more": b"\x02\x03"}]}}),
    ("100 kB", b"\x07" * 100_000),
]


def run():
    client = connect()
    for name, *args in cases:
        client.emit("echo", *args)
        check(name, client.take("echoed"), args)
        answer = client.call("same", *args)
        check(name + ", by the ack", list(answer) if len(args) > 1 else [answer], args)

    file = {"name": "pic.png", "data": b"\x89PNG", "parts": [b"\x01", b"\x02"], "more": {"k": b"\x03"}}
    check("into a Go struct, and back by the ack", client.call("file", file), {**file, "name": "PIC.PNG"})
    client.emit("push file")
    check("from Go at depth", client.take("file"),
          [{"name": "go", "data": b"\x01\x02", "parts": [b"\x03"], "more": {"k": b"\x04\x05"}}, "beside", b"\x06"])
    client.check_transport()
    client.disconnect()
