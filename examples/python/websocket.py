"""As much of WebSocket (RFC 6455) as a client of ackd needs, on Python's standard library alone, so that the example
needs nothing. In earnest, use a library."""
import asyncio, base64, os
from urllib.parse import urlsplit


class WebSocket:
    """Text messages: `send` says one, iterating hears them until the end; then `code` tells how it ended."""

    def __init__(self, reader, writer):
        self.reader, self.writer, self.code = reader, writer, None

    def send(self, text):
        self._put(0x1, text.encode())

    def _put(self, opcode, payload):
        if self.writer.is_closing():
            return  # what it says is lost: whoever iterates will notice
        size, mask = len(payload), os.urandom(4)
        if size < 126:
            head = bytes([0x80 | opcode, 0x80 | size])
        elif size < 1 << 16:
            head = bytes([0x80 | opcode, 0xFE]) + size.to_bytes(2, "big")
        else:
            head = bytes([0x80 | opcode, 0xFF]) + size.to_bytes(8, "big")
        self.writer.write(head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload)))

    async def __aiter__(self):
        message = b""
        try:
            while True:
                first, size = await self.reader.readexactly(2)
                if size > 125:
                    size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
                payload, opcode = await self.reader.readexactly(size), first & 0x0F
                if opcode == 0x8:
                    self.code = int.from_bytes(payload[:2], "big") or 1005
                    self._put(0x8, payload[:2])
                    return
                if opcode == 0x9:
                    self._put(0xA, payload)
                elif opcode < 0x3:
                    message += payload
                    if first & 0x80:
                        yield message.decode()
                        message = b""
        except (OSError, asyncio.IncompleteReadError):
            pass  # no close frame: `code` stays None
        finally:
            self.writer.close()


async def connect(url, subprotocol):
    """Opens a connection; an OSError if that cannot be."""
    url = urlsplit(url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port or 80)
    key = base64.b64encode(os.urandom(16)).decode()
    writer.write(
        f"GET {url.path or '/'} HTTP/1.1\r\nHost: {url.netloc}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
        f"Sec-WebSocket-Protocol: {subprotocol}\r\n\r\n".encode()
    )
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        raise OSError("no answer to the upgrade") from error
    if not head.startswith(b"HTTP/1.1 101"):
        raise OSError(head.split(b"\r\n")[0].decode())
    return WebSocket(reader, writer)
