"""A WebSocket client (the websockets package): websocket-client.py URL. Prints what it saw as JSON."""

import asyncio
import json
import os
import sys

import websockets


async def main():
    large = os.urandom(1 << 20)
    async with websockets.connect(sys.argv[1], max_size=16 << 20) as connection:
        await connection.send("hello")
        text = await connection.recv()
        await connection.send(large)
        is_same = await connection.recv() == large
        await (await connection.ping())
        await connection.send("close")
        try:
            await connection.recv()
        except websockets.ConnectionClosed as closed:
            code, reason = closed.rcvd.code, closed.rcvd.reason
    print(json.dumps({"text": text, "isSame": is_same, "ping": True, "code": code, "reason": reason}))


asyncio.run(asyncio.wait_for(main(), 30))
