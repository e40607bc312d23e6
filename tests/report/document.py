"""Reads a page back with the standard library's parser, for tests that ask what a reader sees."""

import dataclasses
import html.parser
from collections.abc import Iterator

_INLINE = frozenset({"wbr", "span", "data", "b", "abbr", "code"})
_VOID = frozenset({"meta", "link", "img", "br", "input", "path", "wbr"})


@dataclasses.dataclass
class Element:
    """An element, its attributes, and its children: elements and pieces of text."""

    name: str
    attributes: dict[str, str]
    children: list["Element | str"] = dataclasses.field(default_factory=list)

    @property
    def text(self) -> str:
        """All the text below it, with spaces as they would be shown."""
        return " ".join("".join(self._texts()).split())

    def find_all(self, name: str, *, class_: str | None = None, id_: str | None = None):
        """The elements below it, in order, that are of this kind."""
        return [
            element
            for element in self._elements()
            if element.name == name
            and (class_ is None or class_ in element.attributes.get("class", "").split())
            and (id_ is None or element.attributes.get("id") == id_)
        ]

    def _texts(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, Element):
                space = "" if child.name in _INLINE else " "
                yield from (space, *child._texts(), space)
            else:
                yield child

    def _elements(self) -> Iterator["Element"]:
        for child in self.children:
            if isinstance(child, Element):
                yield child
                yield from child._elements()


def parse(page: str) -> Element:
    """The page's root element; fails where tags do not match."""
    parser = _Parser()
    parser.feed(page)
    parser.close()
    assert [element.name for element in parser.open] == ["#root"]
    return parser.open[0]


class _Parser(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open = [Element("#root", {})]

    def handle_starttag(self, tag, attrs):
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_endtag(self, tag):
        if tag in _VOID:
            return
        assert self.open[-1].name == tag, f"</{tag}> closes <{self.open[-1].name}>"
        self.open.pop()

    def handle_data(self, data):
        self.open[-1].children.append(data)
