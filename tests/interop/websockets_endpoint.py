"""The endpoint of Python `websockets` in either role, driven like those of endpoints/src/lib.rs.

As a server it may be told how often to ping, and how long to wait for a pong, in milliseconds.
"""

import asyncio
import json
import sys

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory
from websockets.frames import Opcode

SUBPROTOCOLS = ["chat.v2", "chat.v1"]
# No limits, and no pings of the library's own.
PLAIN = {"max_size": None, "ping_interval": None}


def report(event):
    print(json.dumps(event, ensure_ascii=False), flush=True)


class Counting(ServerConnection):
    """Counts the answers to pings, and stays invisible otherwise."""

    pings = pongs = 0

    def process_event(self, event):
        opcode = getattr(event, "opcode", None)
        self.pings += opcode is Opcode.PING
        self.pongs += opcode is Opcode.PONG
        super().process_event(event)


class Endpoint:
    def __init__(self):
        self.connection = None
        self.tasks = set()
        # The state of a server.
        self.options = {}
        self.servers = []

    def start(self, coroutine):
        task = asyncio.create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def follow(self, connection):
        self.connection = connection
        extensions = connection.response.headers.get("Sec-WebSocket-Extensions", "")
        # The agreed parameters are not public.
        params = {"params": repr(*connection.protocol.extensions)} if connection.protocol.extensions else {}
        report({"open": {"subprotocol": connection.subprotocol, "extensions": extensions, **params}})
        try:
            while True:
                message = await connection.recv()
                if isinstance(message, str):
                    report({"text": message})
                else:
                    report({"binary": message.decode("latin-1")})
        except ConnectionClosed as closed:
            await connection.wait_closed()
            code, reason = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")
            clean = closed.rcvd is not None and closed.sent is not None
            report({"close": {"code": code, "reason": reason, "clean": clean}})

    async def open(self, address, subprotocols=(), deflate=None):
        """Opens a connection, with one offer of compression or a list of offers."""
        offers = [] if deflate is None else deflate if isinstance(deflate, list) else [deflate]
        # Values that are false elsewhere are None in this library.
        offers = [{name: value or None for name, value in offer.items()} for offer in offers]
        extensions = [ClientPerMessageDeflateFactory(**offer) for offer in offers]
        try:
            connection = await connect(
                f"ws://{address}/",
                subprotocols=list(subprotocols) or None,
                extensions=extensions or None,
                compression=None,
                proxy=None,
                **PLAIN,
            )
        except InvalidHandshake as error:
            report({"refused": str(error)})
        else:
            self.start(self.follow(connection))

    async def listen(self, settings):
        deflate = {}  # the library's default
        if settings is not None:
            deflate = {"compression": None, "extensions": [ServerPerMessageDeflateFactory(**settings)]}
        self.servers.append(await serve(self.follow, "127.0.0.1", 0, **self.options, **deflate))
        report({"listening": self.servers[-1].sockets[0].getsockname()[1]})

    async def ping(self, payload):
        async def reported(pong):
            await pong
            report({"pong": payload})

        # The pong is matched by its payload.
        self.start(reported(await self.connection.ping(payload)))

    async def fragments(self, message, size, ping):
        async def pieces():
            for at in range(0, len(data), size):
                yield data[at : at + size]
                if at == 0:
                    await self.ping(ping)

        text = "text" in message
        data = message["text"].encode() if text else message["binary"].encode("latin-1")
        await self.connection.send(pieces(), text=text)

    async def obey(self, command, value):
        match command:
            case "open":
                await self.open(**value)
            case "listen":
                await self.listen(value)
            case "text":
                await self.connection.send(value)
            case "binary":
                await self.connection.send(value.encode("latin-1"))
            case "invalid_text":
                await self.connection.send(value.encode("latin-1"), text=True)
            case "fragments":
                await self.fragments(**value)
            case "ping":
                await self.ping(value)
            case "heartbeat":
                report({"heartbeat": {"pings": self.connection.pings, "pongs": self.connection.pongs}})
            case "close":
                self.start(self.connection.close(**value))

    async def run(self):
        while line := await asyncio.to_thread(sys.stdin.readline):
            [(command, value)] = json.loads(line).items()
            await self.obey(command, value)


def choose(_connection, offered):
    return next((name for name in SUBPROTOCOLS if name in offered), None)


async def main():
    endpoint = Endpoint()
    if sys.argv[1] == "client":
        await endpoint.run()
        return
    interval, timeout = (int(ms) / 1000 for ms in sys.argv[2:]) if sys.argv[2:] else (None, None)
    endpoint.options = PLAIN | {"ping_interval": interval, "ping_timeout": timeout}
    endpoint.options |= {"create_connection": Counting, "select_subprotocol": choose}
    await endpoint.listen(None)
    await endpoint.run()


asyncio.run(main())
