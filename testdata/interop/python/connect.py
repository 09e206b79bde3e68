"""Connecting: auth, ids, the handshake."""
from check import check
from client import connect

secret = {"token": "s3cret", "deep": {"list": [1, "zwei", None], "ключ": "🔑"}}


def run():
    client = connect(query="?color=green", headers={"X-Colour": "blue"}, auth=secret)
    welcome = client.take("welcome")[0]
    check("auth arrives", welcome["auth"], secret)
    check("the query arrives", welcome["query"], "green")
    check("headers arrive", welcome["header"], "blue")
    check("both sides know the id", welcome["id"], client.id())
    check("the id is not the connection's", client.id() != client.client.sid, True)
    check("the id has 20 characters", len(client.id()), 20)
    check("the connect handler ran", client.take("connect"), [])
    client.check_transport()
    check("and it works there", client.call("same", "ping"), "ping")
    client.disconnect()

    for auth in [["a", {"list": [None]}], "a token", True, {"empty": {}}]:
        other = connect(auth=auth)
        check(f"auth {auth!r} arrives", other.take("welcome")[0]["auth"], auth)
        other.disconnect()
    plain = connect()
    check("no auth is an empty one", plain.take("welcome")[0]["auth"], {})
    plain.disconnect()
    made = connect(auth=lambda: {"made": "late"})
    check("auth made by a function", made.take("welcome")[0]["auth"], {"made": "late"})
    made.disconnect()
