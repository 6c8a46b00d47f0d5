"""A WebSocket server (the websockets package) that echoes: websocket-server.py ADDRESS PORT."""

import asyncio
import sys

import websockets


async def echo(connection, *_):
    async for message in connection:
        if message == "close":
            await connection.close(4001, "as you say")
            return
        await connection.send(message)


async def main():
    async with websockets.serve(echo, sys.argv[1], int(sys.argv[2]), max_size=16 << 20):
        await asyncio.Future()


asyncio.run(main())
