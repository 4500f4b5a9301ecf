"""What can go wrong with ennexOS and with nothing else."""

from ..sma.exceptions import SmaConnectionException, SmaUnsupportedException


class SmaNotEnnexOSException(SmaUnsupportedException):
    """Raised when something else than ennexOS answers."""


class SmaComponentException(SmaConnectionException):
    """Raised when the address answers, and says nothing of the component that was asked for."""
