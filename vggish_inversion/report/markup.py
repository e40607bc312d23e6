"""Builds HTML and SVG elements; escapes any text that they are given.

Transcripts, utterance ids and settings come from outside, so escaping is the default here and
letting markup through is what has to be asked for, by its type.
"""

import html
import re
from typing import Union

_VOID = frozenset({"br", "img", "link", "meta", "input", "wbr"})

Content = Union[str, int, float, "Html", None]


class Html(str):
    """Text that is already markup: `tag` and `join` leave it as it is."""

    __slots__ = ()


def escape(content: Content) -> Html:
    """Markup for one piece of content: text is escaped, `Html` is kept, None is nothing.

    >>> escape("<b> & co")
    '&lt;b&gt; &amp; co'
    >>> escape(Html("<b>"))
    '<b>'
    """
    if content is None:
        return Html("")
    return content if isinstance(content, Html) else Html(html.escape(str(content)))


def join(*contents: Content, separator: str = "") -> Html:
    """Contents one after the other, each through `escape`; the separator too."""
    return Html(escape(separator).join(escape(content) for content in contents))


def tag(element: str, *contents: Content, **attributes: Content | bool) -> Html:
    """One element with its contents.

    Args:
        element: the element's name.
        *contents: text (escaped) or `Html` (kept).
        **attributes: by name; an underscore stands for a hyphen and a trailing one is dropped
            (`class_`, `aria_label`). True gives the bare attribute; False and None leave it out.

    Returns:
        The element's markup.

    >>> tag("p", "a < b", class_="note", hidden=True, id=None)
    '<p class="note" hidden>a &lt; b</p>'
    """
    parts = [element]
    for name, value in attributes.items():
        if value is None or value is False:
            continue
        name = name.rstrip("_").replace("_", "-")
        parts.append(name if value is True else f'{name}="{escape(value)}"')
    opening = f"<{' '.join(parts)}>"
    return Html(opening if element in _VOID else f"{opening}{join(*contents)}</{element}>")


def breakable(name: str) -> Html:
    """A name whose lines may end behind a slash or an underscore.

    >>> breakable("a/b_c")
    'a/<wbr>b_<wbr>c'
    """
    return join(*re.split(r"(?<=[/_])", name), separator=tag("wbr"))
