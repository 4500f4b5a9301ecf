"""`--web.config.file`: TLS, client certificates, users and headers, in exporter-toolkit's file format.

`load` reads the file, `tls` and `basic_auth` are what it may say, `watched_files` notices changes, and
`middleware` is what the server and each request ask.
"""

from .middleware import WebConfig

__all__ = ["WebConfig"]
