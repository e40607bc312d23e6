"""Tags and padding around audio: ID3v2 in front, APEv2, Lyrics3, ID3v1 and zeros behind it.

Sources: "ID3 tag version 2.4.0 - Main Structure" (2000), 3.1 and 3.4; "APEv2 specification"
(Hydrogenaudio Knowledgebase); "Lyrics3 v2.00" and "ID3v1" (id3.org). A tag at the end that
states a size which cannot be is none.
"""

import struct

_ID3V1_BYTES = 128
_APE_FOOTER = struct.Struct("<8sIIII8x")
_APE_HAS_HEADER = 1 << 31


def skip_id3v2(contents: bytes) -> int:
    r"""Returns the place behind the ID3v2 tags that a file begins with: 0 where there is none.

    Args:
        contents: bytes of the whole file; the place is beyond them if a tag is cut short.

    >>> skip_id3v2(b"ID3\x04\x00\x00\x00\x00\x01\x00" + bytes(128) + b"fLaC")
    138
    """
    start = 0
    while contents[start : start + 3] == b"ID3" and len(contents) >= start + 10:
        # Four bytes of seven bits state the size, without the tag's header and footer.
        a, b, c, d = contents[start + 6 : start + 10]
        has_footer = contents[start + 5] & 0x10
        start += 10 + (a << 21 | b << 14 | c << 7 | d) + (10 if has_footer else 0)
    return start


def tags_start(contents: bytes, start: int = 0) -> int:
    """Returns the place of the tags and zeros that a file ends with: its length without any.

    Args:
        contents: bytes of the whole file.
        start: no tag is looked for before this place.
    """
    end = len(contents)
    while True:
        found = _last_tag_start(contents, end)
        if found is None or found < start:
            return end
        end = found


def is_padding(contents: bytes, start: int) -> bool:
    """Tells whether nothing but tags and zeros stands behind a place."""
    end = tags_start(contents, start)
    return start >= end or contents.count(0, start, end) == end - start


def _last_tag_start(contents: bytes, end: int) -> int | None:
    id3v1 = end - _ID3V1_BYTES
    if id3v1 >= 0 and contents[id3v1 : id3v1 + 3] == b"TAG":
        return id3v1
    footer = end - _APE_FOOTER.size
    if footer >= 0 and contents[footer : footer + 8] == b"APETAGEX":
        _, _, num_bytes, _, flags = _APE_FOOTER.unpack_from(contents, footer)
        found = end - num_bytes - (_APE_FOOTER.size if flags & _APE_HAS_HEADER else 0)
        return found if 0 <= found <= footer else None
    if contents[max(end - 9, 0) : end] == b"LYRICS200" and contents[end - 15 : end - 9].isdigit():
        found = end - 15 - int(contents[end - 15 : end - 9])
        return found if found >= 0 else None
    return None
