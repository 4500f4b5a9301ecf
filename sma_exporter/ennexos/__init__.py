"""ennexOS: the REST API at /api/v1 of Sunny Tripower X, Sunny Boy Smart Energy, Data Manager and others.

A library of its own: it knows nothing of the exporter.
"""

from ..sma.connections import make_session
from .client import PLANT, SELF, EnnexOS, found_at
from .exceptions import SmaComponentException, SmaNotEnnexOSException

__all__ = [
    "PLANT",
    "SELF",
    "EnnexOS",
    "SmaComponentException",
    "SmaNotEnnexOSException",
    "found_at",
    "make_session",
]
