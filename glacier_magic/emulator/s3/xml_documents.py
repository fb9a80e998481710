"""The XML of S3, written from pairs and read into nodes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"

Members = list[tuple[str, object]]
"""The members of an element: names with a text, a number, a truth value, or further members."""


def write(root: str, members: Members, *, namespace: bool = True) -> bytes:
    """Return a document; members that are None are left out."""
    attribute = f' xmlns="{NAMESPACE}"' if namespace else ""
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root}{attribute}>{_written(members)}</{root}>'
    return text.encode()


def _written(members: Iterable[tuple[str, object]]) -> str:
    return "".join(f"<{name}>{_value(value)}</{name}>" for name, value in members if value is not None)


def _value(value: object) -> str:
    if isinstance(value, list):
        return _written(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return escape(str(value), {'"': "&quot;"})


@dataclass(slots=True)
class XmlNode:
    """An element that was read."""

    name: str
    text: str = ""
    children: list[XmlNode] = field(default_factory=list)

    def all(self, name: str) -> list[XmlNode]:
        """Return the children of that name."""
        return [child for child in self.children if child.name == name]

    def get(self, name: str) -> str | None:
        """Return the text of the only child of that name, or None.

        :raises ValueError: there are several.
        """
        found = self.all(name)
        if len(found) > 1:
            raise ValueError(f"{name} is given more than once")
        return found[0].text if found else None


def read(data: bytes) -> XmlNode:
    """Return the root of a document.

    :raises ValueError: it is not well-formed, or declares a document type.
    """
    top = XmlNode("")
    path = [top]
    parser = expat.ParserCreate(namespace_separator=" ")

    def start(name: str, _: object) -> None:
        node = XmlNode(name.rpartition(" ")[2])  # without its namespace, which clients may leave out
        path[-1].children.append(node)
        path.append(node)

    def text(piece: str) -> None:
        path[-1].text += piece

    def refuse(*_: object) -> None:  # entities are declared there, and can fill the memory
        raise ValueError("a document type is not allowed")

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: path.pop()
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise ValueError(str(error)) from error
    return top.children[0]
