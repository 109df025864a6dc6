"""A panel written from docs/protocol.md alone, with another WebSocket library: does one whole job.

Arguments: url, origin, helper key (hex), path of the layer's pixels, width, height, path for the result's pixels.
Prints one JSON object: what it saw.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import struct
import sys

import websockets

CHUNK = 1048576
WINDOW = 8388608
HEADER = struct.Struct(">BBBBIQI26sH")
LAYER, RESULT, PREVIEW = 1, 2, 3


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def frame(kind, job, sequence, offset, payload):
    return HEADER.pack(0x4B, 1, kind, 0, sequence, offset, len(payload), job.encode(), 0) + payload


class Panel:
    def __init__(self, socket):
        self.socket = socket
        self.seen = []

    async def say(self, **message):
        await self.socket.send(json.dumps(message))

    async def hear(self):
        """The next message, or (kind, sequence, offset, payload) of the next frame."""
        data = await asyncio.wait_for(self.socket.recv(), 10)
        if isinstance(data, str):
            message = json.loads(data)
            assert message["type"] != "error", message
            self.seen.append(message["type"])
            return message
        magic, version, kind, zero, sequence, offset, length, _, end = HEADER.unpack_from(data)
        assert (magic, version, zero, end) == (0x4B, 1, 0, 0) and length == len(data) - HEADER.size
        return kind, sequence, offset, data[HEADER.size :]

    async def hear_type(self, wanted):
        while True:
            message = await self.hear()
            if isinstance(message, dict) and message["type"] == wanted:
                return message


async def main(url, origin, key, layer_path, width, height, result_path):
    with open(layer_path, "rb") as file:
        pixels = file.read()
    layer = {"width": int(width), "height": int(height), "channels": 4, "depth": 8}
    connection = websockets.connect(
        url, origin=origin, subprotocols=["kernelfusion.v1"], compression=None, max_size=CHUNK + HEADER.size
    )
    async with connection as socket:
        assert socket.subprotocol == "kernelfusion.v1"
        panel = Panel(socket)

        nonce = base64url(os.urandom(32))
        await panel.say(type="hello", protocol=1, nonce=nonce, client="python 1")
        welcome = await panel.hear_type("welcome")
        port = url.split(":")[2].split("/")[0]
        text = f"kernelfusion helper on port {port}: {nonce}".encode()
        proof = base64url(hmac.new(bytes.fromhex(key), text, hashlib.sha256).digest())
        assert hmac.compare_digest(proof, welcome["proof"])

        await panel.say(type="start", request=1, layer=layer, options={"scale": 2})
        job = (await panel.hear_type("started"))["job"]
        received = 0
        for sequence, offset in enumerate(range(0, len(pixels), CHUNK)):
            payload = pixels[offset : offset + CHUNK]
            while offset + len(payload) - received > WINDOW:
                received = (await panel.hear_type("received"))["bytes"]
            await socket.send(frame(LAYER, job, sequence, offset, payload))
        await panel.say(type="uploaded", request=2, job=job)

        previews, kernel, state = [], None, None
        while state != "done":
            message = await panel.hear()
            if isinstance(message, tuple):
                kind, _, _, payload = message
                assert kind == PREVIEW
                previews.append([*struct.unpack_from(">HH", payload), len(payload) - 4])
            elif message["type"] == "kernel":
                kernel = message["kernel"]
            elif message["type"] == "job":
                state = message["job"]["state"]

        await panel.say(type="fetch", request=3, job=job, offset=0)
        size = (await panel.hear_type("sending"))["bytes"]
        with open(result_path, "wb") as file:
            have = 0
            while have < size:
                kind, _, offset, payload = await panel.hear()
                assert (kind, offset) == (RESULT, have)
                file.write(payload)
                have += len(payload)
                await panel.say(type="received", job=job, bytes=have)

        await panel.say(type="forget", request=4, job=job)
        await panel.hear_type("ok")
        print(json.dumps({"seen": panel.seen, "previews": previews, "kernel": kernel}))


asyncio.run(main(*sys.argv[1:]))
