"""Flask-SocketIO in its best mode: gevent with gevent-websocket.

usage: python server.py HOST:PORT [PING_INTERVAL_IN_SECONDS]
"""
from gevent import monkey

monkey.patch_all()

import sys

from flask import Flask
from flask_socketio import SocketIO, join_room

address = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:3000"
ping = float(sys.argv[2]) if len(sys.argv) > 2 else 25

app = Flask(__name__)
socketio = SocketIO(app, async_mode="gevent", ping_interval=ping)


@socketio.on("echo")
def echo(value):
    return value


@socketio.on("raw")
def raw(value):
    return value


@socketio.on("binary")
def binary(data):
    return data


@socketio.on("broadcast")
def broadcast(value):
    socketio.emit("message", value)


@socketio.on("join")
def join(room):
    join_room(room)
    return room


@socketio.on("room")
def room(name, value):
    socketio.emit("message", value, to=name)


if __name__ == "__main__":
    host, port = address.split(":")
    socketio.run(app, host=host, port=int(port), log_output=False)
