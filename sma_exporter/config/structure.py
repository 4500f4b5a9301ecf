"""Plain values into frozen classes: nothing converted silently, every fault at once, each with its place.

cattrs walks over a class and collects what goes wrong. Types, unknown keys and sentences are dealt with here,
because cattrs converts where it can and quotes what it cannot, and the file may hold passwords.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import attrs
from cattrs import Converter
from cattrs.errors import AttributeValidationNote, IterableValidationNote
from cattrs.gen import make_dict_structure_fn, override

Place = tuple[str | int, ...]
Raw = Mapping[Any, Any]
Read = Callable[[Any], Any]
Conflicts = Callable[[Raw], Iterable["ValidationError"]]
_T = TypeVar("_T")


class ValidationError(ValueError):
    """A value that cannot be used: a sentence that continues its key's name, and where it stands.

    `{key}` in the sentence stands for that name.
    """

    def __init__(self, sentence: str, *where: str | int) -> None:
        super().__init__(sentence)
        self.where: Place = where


def structure(
    converter: Converter, raw: object, cls: type[_T]
) -> tuple[_T | None, list[ValidationError]]:
    """Make a `cls` of what YAML gave: the object and no faults, or None and the faults."""
    try:
        return converter.structure(raw, cls), []
    except (ValidationError, ExceptionGroup) as error:
        return None, [*_faults(error, {})]


def list_of(converter: Converter, cls: type) -> Read:
    """Return what reads a list of `cls`; anything else that can be iterated over is refused."""

    def read(value: object) -> Any:
        if not isinstance(value, list):
            raise ValidationError("must be a list, with a dash before each entry")
        return converter.structure(value, tuple[cls, ...])  # type: ignore[valid-type]

    return read


def add_class(
    converter: Converter,
    cls: type,
    keys: Mapping[str, Read],
    conflicts: Conflicts,
    attributes: Mapping[str, str] | None = None,
) -> None:
    """Teach the converter a class: its keys and how each is read, and what excludes each other.

    `attributes` gives the key of an attribute whose name is another.
    """
    key_of = {field.name: field.name for field in attrs.fields(cls)} | dict(attributes or {})

    def read_as(key: str) -> Any:
        if key not in keys:
            return override(omit=True)
        return override(rename=key, struct_hook=lambda value, _: keys[key](value))

    overrides = {name: read_as(key) for name, key in key_of.items()}
    build: Callable[[Any, Any], Any] = make_dict_structure_fn(cls, converter, **overrides)

    def hook(raw: Any, _: Any) -> Any:
        if not isinstance(raw, dict):
            raise ValidationError(
                f"must be a mapping with keys such as {' and '.join([*keys][:2])}"
            )
        faults = [*_unknown_keys(raw, [*keys]), *conflicts(raw)]
        try:
            made = build(raw, cls)
        except ExceptionGroup as group:
            faults = [*_faults(group, key_of), *faults]
        if faults:
            raise ExceptionGroup(cls.__name__, faults)
        return made

    converter.register_structure_hook(cls, hook)


def _faults(
    error: Exception, key_of: Mapping[str, str], place: Place = ()
) -> Iterator[ValidationError]:
    """Flatten what a converter raised; its notes say at which attribute or entry."""
    for note in getattr(error, "__notes__", ()):
        match note:
            case AttributeValidationNote():
                place = (*place, key_of[note.name])
            case IterableValidationNote():
                place = (*place, note.index)
    match error:
        case ExceptionGroup():
            for inner in error.exceptions:
                yield from _faults(inner, key_of, place)
        case ValidationError():
            yield ValidationError(str(error), *place, *error.where)
        case KeyError():
            yield ValidationError("is missing", *place)
        case _:
            raise error


_PLAIN_KEY = re.compile("[a-z]+(?:[_-][a-z]+)*")


def _unknown_keys(raw: Raw, known: list[str]) -> Iterator[ValidationError]:
    for key, value in raw.items():
        if key in known:
            continue
        name = key if isinstance(key, str) and _PLAIN_KEY.fullmatch(key) else ""
        similar = difflib.get_close_matches(name, known, n=1)
        if similar:
            yield ValidationError(f"is not a known key; did you mean `{similar[0]}`?", name)
        elif name and value is not None:
            yield ValidationError(f"is not a known key; known are {', '.join(known)}", name)
        else:
            # In `{password: abc,def}` YAML sees a password `abc` and a key `def`.
            yield ValidationError(
                "has an unknown key, not shown because it may be a part of a password; "
                "put every password in quotes"
            )
