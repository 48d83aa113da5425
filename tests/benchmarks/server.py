"""The site as gunicorn serves it, with a hello page beside it: the yardstick of all requests per second."""

from flask import Response

from campaign.app import create_site

app = create_site()


@app.get("/hello")
def hello() -> Response:
    return Response("Hello, world!\n", content_type="text/plain")
