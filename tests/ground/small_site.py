"""A site of a few lines, to see how the server treats clients."""

import io

from flask import Flask, Response, request, send_file

app = Flask(__name__)
FILE = b"0123456789" * 1_000_000


@app.post("/length")
def length() -> str:
    return str(len(request.data))


@app.get("/headers")
def headers() -> dict[str, str]:
    return dict(request.headers)


@app.get("/not-modified")
def not_modified() -> Response:
    return Response(status=304)


@app.get("/long")
def long() -> Response:
    """An answer made piece by piece, more than any client's buffer has room for."""
    return Response((b"x" * 100_000 for _ in range(300)), content_type="text/plain")


@app.get("/file")
def file() -> Response:
    return send_file(io.BytesIO(FILE), "text/plain", conditional=True, etag="1")
