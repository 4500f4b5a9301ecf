"""The password of a device: read at each login, in the thread that reads the device, as its file may hang."""

import logging

from .. import config
from ..sma.exceptions import SmaCredentialsException

_LOGGER = logging.getLogger(__name__)


class Credentials:
    """What a device is logged in to with. `settings` may be replaced."""

    def __init__(self, settings: config.DeviceSettings) -> None:
        self.settings = settings
        self._tried: tuple[str, str] | None = None

    def password(self) -> str:
        """Return the password as it is now. SmaCredentialsException when it cannot be read."""
        try:
            password = self.settings.read_password() or ""
        except config.PasswordFileError as error:
            raise SmaCredentialsException(str(error)) from None
        credentials = self.settings.group, password
        is_new, self._tried = credentials != self._tried, credentials
        if (
            is_new and self.settings.password_file
        ):  # of a password in the configuration, loading warns
            for sentence in config.password_warnings(password):
                extra = {"device": self.settings.name}
                _LOGGER.warning("the password %s", sentence, extra=extra)
        return password

    def changed(self) -> bool:
        """Tell whether a login would now be tried with something else than the last time."""
        try:
            return (self.settings.group, self.settings.read_password()) != self._tried
        except config.PasswordFileError:
            return False
