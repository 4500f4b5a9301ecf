"""Certificates and web configuration files for tests."""

import ssl
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import bcrypt
import trustme

#: The least that bcrypt allows, so that tests need not wait.
COST = 4


def hashed(password: str, cost: int = COST) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()


@dataclass
class Folder:
    """A folder with an authority's certificates and a web configuration file."""

    path: Path
    authority: trustme.CA = field(default_factory=trustme.CA)

    @property
    def web(self) -> Path:
        return self.path / "web.yml"

    def write(self, text: str) -> Path:
        """Write the web configuration file."""
        self.web.write_text(text, encoding="utf-8")
        return self.web

    def issue(self, name: str = "server", *names: str, not_after: datetime | None = None) -> None:
        """Write NAME.crt and NAME.key."""
        issued = self.authority.issue_cert(
            *(names or ("localhost", "127.0.0.1")),
            not_before=datetime(2000, 1, 1) if not_after else None,  # noqa: DTZ001 - trustme's way
            not_after=not_after,
        )
        chain = b"".join(part.bytes() for part in issued.cert_chain_pems)
        (self.path / f"{name}.crt").write_bytes(chain)
        (self.path / f"{name}.key").write_bytes(issued.private_key_pem.bytes())

    def issue_ca(self) -> Path:
        """Write ca.crt, which clients are verified by, and verify by."""
        path = self.path / "ca.crt"
        self.authority.cert_pem.write_to_path(str(path))
        return path

    def client(self, certificate: str | None = None) -> ssl.SSLContext:
        """How a client of this authority connects, with a certificate of this name if there is one."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        if certificate:
            context.load_cert_chain(
                self.path / f"{certificate}.crt", self.path / f"{certificate}.key"
            )
        return context


TLS = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"
MUTUAL = f"{TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n"
