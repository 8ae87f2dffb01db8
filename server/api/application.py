"""The Flask application without what stands beside the interface: routes, survey pages, problems, headers."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request
from werkzeug.exceptions import NotFound
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import Rule

from server import settings as environment
from server.api import docs, headers, hooks, metrics, problems, routes, surveys
from server.api.limits import Allowance, SharedAllowance
from server.api.table import WITHOUT_STORE
from server.settings import Settings
from server.store import database
from server.store.failures import Unavailable

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class _Rule(Rule):
    """A rule whose way to build addresses is compiled when the first one is built: for hundreds of rules, of which few
    are used, that is most of what a start of the application takes."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compiled = cache(super()._compile_builder)

        def build(rule: Rule, /, **values: Any) -> tuple[str, str]:
            return compiled(append_unknown)(rule, **values)

        return build


class Application(Flask):
    """A Flask application that holds a connection of the store for the whole of a request."""

    url_rule_class = _Rule
    response_class = headers.Secured

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself: none of ours is a coroutine, and to look at each of them costs more than most do."""
        return func

    def wsgi_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer: a delivery at once when it is like most of them, anything else as Flask does."""
        return hooks.at_once(environ, start_response) or super().wsgi_app(environ, start_response)

    def full_dispatch_request(self) -> Response:
        """Answer the request, and count it."""
        return metrics.measured(self._answer)

    def _answer(self) -> Response:
        """The answer. Trouble with the connection is a problem, too."""
        # A delivery asks for a connection when it needs one: those that come together share one transaction.
        path = request.path
        if path in WITHOUT_STORE or path.startswith(hooks.DELIVERIES):
            return super().full_dispatch_request()
        try:
            with database.session():
                return super().full_dispatch_request()
        except Unavailable as error:
            return self.finalize_request(self.handle_user_exception(error), from_error_handler=True)


def build(settings: Settings, memory: mmap.mmap | None = None) -> Application:
    """The application. The store is opened by whoever serves it, before the first request. `memory`: where
    what tokens do is counted, together with other processes."""
    environment.use(settings)
    app = Application("server.api", static_folder=None, template_folder=None)
    app.config["DUBAN"] = settings
    app.extensions["duban.hooks"] = hooks.Limits()
    app.extensions["duban.tries"] = Allowance(60, 60)
    app.extensions["duban.tokens"] = SharedAllowance(settings.token_rate, memory)
    problems.register(app)
    routes.register(app)
    surveys.register(app)
    docs.register(app)
    app.before_request(_refuse_nul)
    if settings.proxy_hops:
        hops = settings.proxy_hops
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    return app


def _refuse_nul() -> None:
    # Nothing has a name with NUL in it, and PostgreSQL fails on being asked.
    if "\x00" in request.path:
        raise NotFound
