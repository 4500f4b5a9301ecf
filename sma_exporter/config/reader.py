"""Plain values into the model: nothing converted silently, every error at once, each with its place."""

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

Place: TypeAlias = tuple[str | int, ...]
Raw: TypeAlias = Mapping[Any, Any]
Read: TypeAlias = Callable[[Any], Any]
Conflicts: TypeAlias = Callable[[Raw], Iterable["ValidationError"]]


class ValidationError(ValueError):
    """A value that cannot be used: a sentence that continues its key's name, and where it stands.

    `{key}` in the sentence stands for that name.
    """

    def __init__(self, sentence: str, *where: str | int) -> None:
        super().__init__(sentence)
        self.where: Place = where


class ValidationErrors(ValueError):
    """Several of them."""

    def __init__(self, errors: Iterable[ValidationError]) -> None:
        super().__init__()
        self.errors = tuple(errors)


def errors_in(read: Callable[[], object], *where: str | int) -> Iterator[ValidationError]:
    """Yield what is raised while something is read at a place."""
    try:
        read()
    except ValidationError as error:
        yield ValidationError(str(error), *where, *error.where)
    except ValidationErrors as several:
        for each in several.errors:
            yield ValidationError(str(each), *where, *each.where)


def read_mapping(
    raw: object,
    keys: Mapping[str, Read],
    *,
    required: Collection[str] = (),
    conflicts: Conflicts = lambda _: (),
    elsewhere: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Read a mapping by its keys, each by what reads it. Raises ValidationErrors.

    `conflicts` finds values that exclude each other; `elsewhere`: keys that are known, and why not here.
    """
    if not isinstance(raw, dict):
        raise ValidationErrors(
            [ValidationError(f"must be a mapping with keys such as {' and '.join([*keys][:2])}")]
        )
    found: dict[str, Any] = {}
    errors: list[ValidationError] = []

    def read(key: str) -> None:
        found[key] = keys[key](raw[key])

    for key in keys:
        if key in raw:
            errors += errors_in(lambda key=key: read(key), key)  # type: ignore[misc]
        elif key in required:
            errors.append(ValidationError("is missing", key))
    errors += [*_unknown_keys(raw, [*keys], elsewhere or {}), *conflicts(raw)]
    if errors:
        raise ValidationErrors(errors)
    return found


def read_each(items: Iterable[tuple[str | int, Any]], read: Callable[[Any], Any]) -> list[Any]:
    """Read all items, each at its place. Raises ValidationErrors with the errors of all."""
    found: list[Any] = []
    errors: list[ValidationError] = []
    for place, item in items:
        errors += errors_in(lambda item=item: found.append(read(item)), place)  # type: ignore[misc]
    if errors:
        raise ValidationErrors(errors)
    return found


def list_of(read: Read) -> Read:
    """Return what reads a list of entries; anything else that can be iterated over is refused."""

    def read_list(value: object) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise ValidationError("must be a list, with a dash before each entry")
        return tuple(read_each(enumerate(value), read))

    return read_list


_PLAIN_KEY = re.compile("[a-z]+(?:[_-][a-z]+)*")


def _unknown_keys(
    raw: Raw, known: list[str], elsewhere: Mapping[str, str]
) -> Iterator[ValidationError]:
    for key, value in raw.items():
        if key in known:
            continue
        # In `{password: abc,def}` YAML sees a password `abc` and a key `def` without a value.
        shown = value is not None and isinstance(key, str) and _PLAIN_KEY.fullmatch(key)
        name = key if shown else ""
        similar = difflib.get_close_matches(name, known, n=1)
        if name in elsewhere:
            yield ValidationError(elsewhere[name], name)
        elif similar:
            yield ValidationError(f"is not a known key; did you mean `{similar[0]}`?", name)
        elif name:
            yield ValidationError(f"is not a known key; known are {', '.join(known)}", name)
        else:
            yield ValidationError(
                "has an unknown key, not shown because it may be a part of a password; "
                "put every password in quotes"
            )
