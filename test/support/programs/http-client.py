"""Python's HTTP clients: http-client.py http.client|requests. Lines in and out as test/support/http-clients.ts describes them."""

import base64
import hashlib
import http.client
import sys
from urllib.parse import urlsplit

SHOWN_BYTES = 65536
# A prime, so that no buffer size of a program in between is a multiple of it: swapped or repeated pieces change the digest.
BLOCK_SIZE = 65521
BLOCK = bytes((i * 167 + (i >> 8) * 13) & 255 for i in range(BLOCK_SIZE))


def pattern(length):
    while length > 0:
        yield BLOCK[:length]
        length -= BLOCK_SIZE


def body_of(text):
    """Iterable (None: no body), whether it is sent in chunks, its length."""
    kind, _, rest = text.partition(" ")
    if kind == "none":
        return None, False, 0
    if kind == "text":
        return [rest.encode()], False, len(rest)
    return pattern(int(rest)), kind == "chunked", int(rest)


def digest_of(pieces):
    digest, shown, length = hashlib.sha256(), b"", 0
    for piece in pieces:
        digest.update(piece)
        length += len(piece)
        if len(shown) < SHOWN_BYTES:
            shown += piece
    return length, digest.hexdigest(), shown[:SHOWN_BYTES]


def line(status, reused, body, headers):
    length, digest, shown = body
    fields = [str(status), str(length), digest, reused, base64.b64encode(shown).decode()]
    return "\t".join(fields + [f"h {name}: {value}" for name, value in headers])


class HttpClient:
    """http.client: one connection for each host, kept."""

    def __init__(self):
        self.connections = {}

    def exchange(self, method, url, body, headers):
        parts = urlsplit(url)
        connection = self.connections.setdefault(parts.netloc, http.client.HTTPConnection(parts.netloc, timeout=60))
        before = connection.sock
        pieces, chunked, length = body_of(body)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        if pieces is not None:
            connection.putheader(*(("transfer-encoding", "chunked") if chunked else ("content-length", str(length))))
        connection.endheaders(pieces, encode_chunked=chunked)
        reused = before is not None and connection.sock is before
        response = connection.getresponse()
        body = digest_of(iter(lambda: response.read(BLOCK_SIZE), b""))
        return line(response.status, str(reused).lower(), body, response.getheaders())


class Requests:
    """requests: a session, streamed both ways."""

    def __init__(self):
        import requests

        self.session = requests.Session()
        self.session.trust_env = False

    def exchange(self, method, url, body, headers):
        pieces, chunked, length = body_of(body)
        data = pieces if chunked or pieces is None else b"".join(pieces)
        response = self.session.request(
            method, url, data=data, headers=dict(headers), allow_redirects=False, stream=True, timeout=60
        )
        body = digest_of(response.iter_content(BLOCK_SIZE))
        return line(response.status_code, "unknown", body, response.raw.headers.items())


client = Requests() if sys.argv[1] == "requests" else HttpClient()
for text in sys.stdin:
    method, url, body, *headers = text.rstrip("\n").split("\t")
    try:
        answer = client.exchange(method, url, body, [tuple(header.split(": ", 1)) for header in headers])
    except Exception as error:  # any failure is an answer
        answer = f"error\t{error!r}"
    print(answer, flush=True)
