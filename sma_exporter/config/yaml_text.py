"""YAML: read with the lines of everything in it, and written."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import yaml

from .model import ConfigError
from .reader import Place, ValidationError

_NO_VALUE = "this looks like a date or a number but is none; put it in quotes"


class Document(NamedTuple):
    """A text that was read.

    `duplicates`: a sentence for each key given twice. `lines`: in which line everything stands.
    """

    values: Any
    duplicates: list[str]
    lines: Mapping[Place, int]


class _Loader(yaml.SafeLoader):
    """Safe YAML that notes keys given twice, of which YAML would silently take the last."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.duplicates: list[str] = []

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        lines: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if isinstance(key, yaml.ScalarNode) and key.value in lines:
                self.duplicates.append(
                    f"line {line}: this key is in line {lines[key.value]} already; keep one of them"
                )
            elif isinstance(key, yaml.ScalarNode):
                lines[key.value] = line
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: FBT001, FBT002
        try:
            return super().construct_object(node, deep)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            # PyYAML lets `2026-99-99` and `!!int ""` end in whatever Python raises for them.
            mark = node.start_mark
            raise yaml.constructor.ConstructorError(None, None, _NO_VALUE, mark) from None


def read_yaml(text: str) -> Document:
    """Return what a YAML text says. Raises ConfigError."""
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return Document(None, [], {})
        # In this order: constructing resolves `<<` within the nodes.
        lines = dict(_lines(node, (), set()))
        return Document(loader.construct_document(node), loader.duplicates, lines)
    except yaml.YAMLError as error:
        problem = _problem(error, text)
    except RecursionError:
        problem = "the file is nested too deeply"
    raise ConfigError([problem])


def _lines(node: yaml.Node, place: Place, seen: set[int]) -> Iterator[tuple[Place, int]]:
    """Yield the line of everything; what an alias repeats is there once."""
    yield place, node.start_mark.line + 1
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _lines(item, (*place, index), seen)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                yield from _lines(value, (*place, key.value), seen)
                yield (*place, key.value), key.start_mark.line + 1


def _problem(error: yaml.YAMLError, text: str) -> str:
    """Say where the text is no YAML. Not in PyYAML's words: they may quote the text, and so a password."""
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return f"line {line}: there is a control character; remove it"
    mark = None
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem == _NO_VALUE:
        return place + _NO_VALUE
    return (
        f"{place}this is not valid YAML, here or just before: look at the indentation, the colon and space "
        "behind each key, and brackets and quotes that are not closed; put a text with special characters "
        "in quotes"
    )


def described(
    errors: Iterable[ValidationError], document: Document | None = None, file: str = ""
) -> list[str]:
    """Write errors as lines: `sma.yml:7 (garage): devices[1].tls.fingerprint: …`.

    Without a file they begin with the path of the key.
    """
    return [f"{_position(error.where, document, file)}{path_line(error)}" for error in errors]


def path_line(error: ValidationError) -> str:
    """Write an error as one line: `devices[1].tls.fingerprint: …`."""
    steps = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.where]
    keys = [step for step in error.where if isinstance(step, str)]
    sentence = str(error).replace("{key}", keys[-1] if keys else "")
    return f"{''.join(steps)[1:]}: {sentence}" if steps else f"the file {sentence}"


def _position(where: Place, document: Document | None, file: str) -> str:
    if not file or document is None:
        return ""
    known = (where[:length] for length in range(len(where), -1, -1))
    line = next((document.lines[place] for place in known if place in document.lines), 1)
    name = _device(where, document.values)
    return f"{file}:{line} ({name}): " if name else f"{file}:{line}: "


def _device(where: Place, values: Any) -> str:
    """Return the name of the device that a place is in, "" for none that can be shown."""
    match where:
        case ("devices", int(index), *_):
            try:
                name = values["devices"][index]["name"]
            except (LookupError, TypeError):
                return ""
            return name if isinstance(name, str) and name.isprintable() else ""
    return ""


class _Dumper(yaml.SafeDumper):
    """Writes the entries of a list indented, as the README does, and repeats a value in full."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        super().increase_indent(flow, indentless=False)


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # Line breaks such as U+0085 are read back only where they are escaped.
    style = None if text.isprintable() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def to_yaml(values: Mapping[str, object]) -> str:
    """Return plain values as a YAML text, which gives the same values when it is read."""
    text = yaml.dump(
        values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf")
    )
    return _escaped(text)


def to_yaml_line(values: Mapping[str, object]) -> str:
    """Return plain values on one line: `{key: …, index: 0}`."""
    text = yaml.dump(
        values,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=float("inf"),
        default_flow_style=True,
    )
    return _escaped(text.strip())


def _escaped(text: str) -> str:
    """Escape what PyYAML takes for printable and a terminal does not, such as a change of direction.

    `_represent_text` has put it between double quotes.
    """
    return "".join(c if c.isprintable() or c == "\n" else f"\\U{ord(c):08X}" for c in text)
