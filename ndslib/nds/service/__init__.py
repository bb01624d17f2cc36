"""The dataserver as a web service: an index behind an HTTP API, with a page for people (NDS section 3, NDS-S Fig. 1).

It indexes and does not host: experts, example pictures and lists of addresses go out, and of a client only the scores,
the budget and the filters come in. Nothing about a client is kept. Needs the extra `service` (FastAPI, uvicorn).

`create_app` makes the application, `serve` runs it until it is stopped, and `running` runs it beside other code.
"""

from ndslib.nds.service.app import create_app
from ndslib.nds.service.server import running, serve

__all__ = ["create_app", "running", "serve"]
