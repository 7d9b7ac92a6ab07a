"""Pages of this machine for its own user: who may ask for what.

- A token is in the address that the program prints, and from then on in a cookie. Without it nothing is answered.
- The address must be the one that was asked to be served: a name that somebody else's page points here is refused.
- A request that another page makes is refused, by its Origin.
"""

import hmac
import secrets
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:;"
    " media-src 'self' blob:; connect-src 'self'; worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'"
)


class Guard:
    """Lets requests with the token through to an application."""

    def __init__(self, app: ASGIApp, host: str, port: int, token: str = "") -> None:
        self.token = token or secrets.token_urlsafe(18)
        self._app, self._cookie = app, f"l2l_{port}"
        names = {host, "localhost", "127.0.0.1", "[::1]"} if host in {"127.0.0.1", "::1", "localhost"} else None
        self._hosts = None if names is None else {f"{name}:{port}" for name in names}
        shown = f"[{host}]" if ":" in host else host
        self.address = f"http://{shown}:{port}/?token={self.token}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers, query = Headers(scope=scope), parse_qs(scope.get("query_string", b"").decode("latin-1"))
        reason = self._refusal(headers, query.get("token", [""])[0])
        if reason and scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": reason})
        elif reason:
            await PlainTextResponse(reason + "\n", 403)(scope, receive, send)
        else:
            await self._app(scope, receive, self._with_headers(send))

    def _refusal(self, headers: Headers, token: str) -> str:
        """Why a request is refused; empty when it is not."""
        host, origin = headers.get("host", ""), headers.get("origin")
        if self._hosts is not None and host not in self._hosts:
            return "This address is not served here."
        if origin is not None and origin != f"http://{host}":
            return "Another page may not ask here."
        if not hmac.compare_digest((token or self._kept(headers)).encode(), self.token.encode()):
            return "The address lacks its token; open the whole address that the program printed."
        return ""

    def _kept(self, headers: Headers) -> str:
        """The token in the cookie."""
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(self._cookie)
        except CookieError:
            return ""
        return cookie.value if cookie else ""

    def _with_headers(self, send: Send) -> Send:
        cookie = f"{self._cookie}={self.token}; HttpOnly; SameSite=Strict; Path=/".encode()
        policies = [
            (b"set-cookie", cookie),
            (b"content-security-policy", _POLICY.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"cache-control", b"no-store"),
        ]

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *policies]}
            await send(message)

        return sent
