"""How the C library keeps memory that is free: it makes the exporter small, where that library is glibc."""

import ctypes
from contextlib import suppress

# Parameters of glibc's mallopt, from its malloc.h.
_MMAP_THRESHOLD, _ARENA_MAX = -3, -8

#: From this size on a block goes back to the system when it is free. Left alone, glibc keeps blocks of many
#: megabytes, such as an answer about hundreds of devices, once it has seen some.
LARGE_BLOCK = 256 * 1024
#: glibc keeps memory apart for up to eight groups of threads a core; each device is read by a thread.
ARENAS = 2


def return_large_blocks() -> None:
    """Let free memory go back to the system; does nothing with another C library."""
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(_MMAP_THRESHOLD, LARGE_BLOCK)
        library.mallopt(_ARENA_MAX, ARENAS)
