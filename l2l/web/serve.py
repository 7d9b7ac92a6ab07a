"""Serving an application to this machine's browser until Ctrl-C."""

import socket
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from l2l import sigterm
from l2l.errors import Stopped, UserError
from l2l.web.guard import Guard

PAGES = Path(__file__).parent / "pages"


def application(page: str, about: Callable[[], dict[str, Any]], *routes: BaseRoute) -> Starlette:
    """A page of `pages/` with what it must know first, routes of its own, and the files that pages share."""

    async def shown(request: Request) -> Response:
        return FileResponse(PAGES / page)

    async def told(request: Request) -> Response:
        return JSONResponse(about())

    shared = Mount("/", StaticFiles(directory=PAGES))
    return Starlette(routes=[Route("/", shown), Route("/about", told), *routes, shared])


def serve(app: ASGIApp, host: str, port: int, browser: bool) -> None:
    """Serve `app` behind a `Guard`; port 0 takes a free one. Prints the address, and opens it where asked to.

    Raises UserError when the port is taken or the host is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, port))
        except OSError as error:
            raise UserError(f"--host {host} --port {port}: {error.strerror}; give another port, or 0.") from None
        listening.listen()
        guard = Guard(app, host, listening.getsockname()[1])
        # At once, also into a pipe: whoever starts it from a program waits for the address.
        print(f"Open {guard.address}\nCtrl-C ends it.", flush=True)
        if browser:
            webbrowser.open(guard.address)
        # Without compression, and with small pings: everything is on this machine, and what is late is useless.
        config = uvicorn.Config(guard, log_level="warning", ws="websockets-sansio", ws_per_message_deflate=False)
        try:
            uvicorn.Server(config).run(sockets=[listening])
        except Stopped:  # a server that is told to end has done its work
            sigterm.ignore()
