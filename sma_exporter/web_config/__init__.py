"""Who may come in: TLS, client certificates, users and headers, in exporter-toolkit's file format.

`web_config` reads the file, `tls` and `users` are what it may say, `files` notices changes, and `door` is
what the server and each request ask.
"""

from .middleware import Door

__all__ = ["Door"]
