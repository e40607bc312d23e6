"""Walks the chunks of WAV, RF64, W64, AIFF and CAF files."""

import dataclasses
import struct
from collections.abc import Iterator
from typing import NamedTuple

from vggish_inversion.audio import tags
from vggish_inversion.audio.track import AudioError, is_unknown_size

# What may be cut off behind samples without a loss of any.
_CHUNKS_WITHOUT_SAMPLES = (
    *(b"LIST", b"list", b"id3 ", b"ID3 ", b"bext", b"iXML", b"PEAK", b"fact", b"cue ", b"smpl"),
    *(b"inst", b"plst", b"JUNK", b"junk", b"PAD ", b"FLLR", b"_PMX", b"DISP", b"afsp", b"levl"),
    *(b"minf", b"elm1", b"umid", b"axml", b"chna", b"cart", b"link", b"ANNO", b"NAME", b"AUTH"),
    *(b"MARK", b"INST", b"COMT", b"APPL", b"CHAN", b"SAXL", b"FVER", b"COMM", b"info", b"pakt"),
    *(b"chan", b"kuki", b"mark", b"strg", b"midi", b"uuid", b"free"),
)


class Chunk(NamedTuple):
    """A chunk: its name, the place of its contents, and how many bytes of them are promised."""

    name: bytes
    start: int
    num_bytes: int


@dataclasses.dataclass(frozen=True)
class Layout:
    """How a container writes its chunks.

    Attributes:
        header: of a chunk: its name and its size.
        padding: contents are filled up to a multiple of this many bytes.
        counts_header: whether the size counts the chunk's header too.
        name_tail: what every name ends with.
    """

    header: struct.Struct
    padding: int
    counts_header: bool = False
    name_tail: bytes = b""

    def read(self, contents: bytes, place: int) -> Chunk | None:
        """Returns the chunk at a place, or None if none fits there."""
        if place + self.header.size > len(contents):
            return None
        name, num_bytes = self.header.unpack_from(contents, place)
        if self.counts_header:
            num_bytes = max(num_bytes - self.header.size, 0)
        if not name[:4].isascii() or not name[:4].decode().isprintable():
            return None
        return Chunk(name, place + self.header.size, num_bytes)

    def end(self, chunk: Chunk) -> int:
        """Returns the place behind a chunk and its padding."""
        return chunk.start + chunk.num_bytes + -chunk.num_bytes % self.padding


def walk(contents: bytes, place: int, layout: Layout) -> Iterator[Chunk]:
    """Yields one chunk after the other, for as long as there are any."""
    while (chunk := layout.read(contents, place)) is not None:
        yield chunk
        place = layout.end(chunk)


def promised_bytes(contents: bytes, chunk: Chunk, layout: Layout) -> int | None:
    """Returns how many bytes a chunk of samples promises, or None if its size is left open.

    A size of 0 is left open by recorders that were stopped, unless other chunks follow in order.
    """
    if is_unknown_size(chunk.num_bytes):
        return None
    if chunk.num_bytes == 0 and not _are_chunks(contents, chunk.start, layout):
        return None
    return chunk.num_bytes


def check_rest(contents: bytes, chunk: Chunk, layout: Layout) -> None:
    """Makes sure that what follows a chunk of samples is neither sound nor another file.

    Chunks may follow, with or without padding, tags and zeros. A header that was written before the
    end of a recording names an end with sound behind it.

    Raises:
        AudioError: if something else follows.
    """
    end = chunk.start + chunk.num_bytes
    places = dict.fromkeys((layout.end(chunk), end))
    reasons = [_foreign_rest(contents, place, chunk.name, layout) for place in places]
    if all(reasons):
        raise AudioError(
            f"{len(contents) - end} bytes follow the end that the header names, and hold "
            f"{reasons[0]}: part of the recording would be lost; make the file anew"
        )


def _are_chunks(contents: bytes, place: int, layout: Layout) -> bool:
    """Tells whether chunks, and nothing else, fill a file to its last byte."""
    while place < len(contents) and not tags.is_padding(contents, place):
        chunk = layout.read(contents, place)
        if chunk is None or chunk.start + chunk.num_bytes > len(contents):
            return False
        place = layout.end(chunk)
    return True


def _foreign_rest(contents: bytes, place: int, samples_name: bytes, layout: Layout) -> str:
    """Says what is foreign behind the samples: nothing, if all of it may be there."""
    while place < len(contents) and not tags.is_padding(contents, place):
        chunk = layout.read(contents, place)
        if chunk is None:
            return "no chunk"
        if chunk.name == samples_name:
            return "more samples"
        if chunk.name[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64", b"FORM", b"riff", b"caff"):
            return "another file"
        if layout.end(chunk) > len(contents) + layout.padding - 1:
            is_known = chunk.name[:4] in _CHUNKS_WITHOUT_SAMPLES
            return "" if is_known else "no chunk"
        place = layout.end(chunk)
    return ""
