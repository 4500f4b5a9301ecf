"""Other ports in place of 80 and 443, which a test cannot have."""

from typing import Any

import requests
from requests.adapters import BaseAdapter


class OnPorts(BaseAdapter):
    """Takes a session's requests to other ports: stands in for a device that has 80 and 443."""

    def __init__(self, session: requests.Session, **ports: int) -> None:
        super().__init__()
        self._inner = session.get_adapter("https://")
        self._ports = ports
        self.tried: list[str] = []
        for scheme in ports:
            session.mount(f"{scheme}://", self)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        scheme, _, rest = str(request.url).partition("://")
        netloc, _, path = rest.partition("/")
        host = netloc.removesuffix({"http": ":80", "https": ":443"}[scheme])
        self.tried.append(scheme)
        request.url = f"{scheme}://{host}:{self._ports[scheme]}/{path}"
        return self._inner.send(request, *args, **kwargs)

    def close(self) -> None:
        self._inner.close()
