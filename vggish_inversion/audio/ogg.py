"""Ogg with Vorbis, Opus or FLAC: checks that every page is there and whole.

Streams may follow each other in one file ("chained", as radio stations and `cat` make them); each
is a track. Decoders drop a damaged page without a word, so checksums and numbers are checked here.

Sources: RFC 3533 (Ogg), RFC 7845 (Opus), "Vorbis I specification" and RFC 9639, section 10.1.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from vggish_inversion.audio import flac, tags
from vggish_inversion.audio.track import AudioError, Track, unreadable

_HEADER = struct.Struct("<4sBBqIIIB")
_IS_CONTINUED, _IS_FIRST, _IS_LAST = 1, 2, 4
_REVERSED_BITS = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_CODECS = {b"\x01vorbis": "Vorbis", b"OpusHead": "Opus", b"\x7fFLAC": "FLAC"}
_FOREIGN_CODECS = {b"Speex   ": "Speex", b"\x80theora": "Theora", b"fishead\0": "a skeleton"}
_FOREIGN_CODECS |= {b"CELT    ": "CELT", b"PCM     ": "PCM", b"\x80kate\0\0\0": "Kate"}
_FLAC_MAPPING_BYTES = 9


class _Page(NamedTuple):
    flags: int
    serial: int
    number: int
    start: int
    end: int
    body: bytes
    segments: bytes


def read_ogg(contents: bytes) -> list[Track]:
    """Cuts an Ogg file into the streams that follow each other in it.

    Args:
        contents: bytes of the whole file.

    Raises:
        AudioError: if a page is missing, damaged or cut, if streams lie side by side, or if a codec
            is none of Vorbis, Opus, FLAC.
    """
    streams: list[list[_Page]] = []
    for page in _walk(contents):
        if page.flags & _IS_FIRST:
            if streams and not streams[-1][-1].flags & _IS_LAST:
                side_by_side = len(streams[-1]) == 1
                raise (
                    unreadable("Ogg with several streams side by side")
                    if side_by_side
                    else AudioError("truncated: an Ogg stream has no end before the next one")
                )
            streams.append([])
        elif not streams:
            raise AudioError("damaged: an Ogg file begins in the middle of a stream")
        _check_page(page, streams[-1])
        streams[-1].append(page)
    if not streams or not streams[-1][-1].flags & _IS_LAST:
        raise AudioError("truncated: the Ogg stream does not end with an end-of-stream page")
    return [_read_stream(contents, pages) for pages in streams]


def _walk(contents: bytes) -> Iterator[_Page]:
    place, end = 0, tags.tags_start(contents)
    while place < end:
        header = contents[place : place + _HEADER.size]
        if header[:4] != b"OggS"[: len(header)]:
            if tags.is_padding(contents, place):
                return
            raise AudioError(
                f"damaged, or more than one file: no page of Ogg at byte {place} of {len(contents)}"
            )
        num_segments = header[-1] if len(header) == _HEADER.size else 0
        segments = contents[place + _HEADER.size : place + _HEADER.size + num_segments]
        body = place + _HEADER.size + num_segments
        page_end = body + sum(segments)
        if len(header) < _HEADER.size or len(segments) < num_segments or page_end > end:
            raise AudioError("truncated: the last page of Ogg is there in part")
        _, _, flags, _, serial, number, checksum, _ = _HEADER.unpack(header)
        if _checksum(contents[place:page_end]) != checksum:
            raise AudioError(f"damaged: the page of Ogg at byte {place} has another checksum")
        yield _Page(
            flags, serial, number, place, page_end, contents[body:page_end], bytes(segments)
        )
        place = page_end


def _checksum(page: bytes) -> int:
    """Ogg's CRC-32: its bits run in the opposite direction of zlib's."""
    page = (page[:22] + bytes(4) + page[26:]).translate(_REVERSED_BITS)
    reflected = zlib.crc32(page, 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(reflected.to_bytes(4, "little").translate(_REVERSED_BITS), "big")


def _check_page(page: _Page, before: list[_Page]) -> None:
    if not before:
        return
    if page.serial != before[0].serial or before[-1].flags & _IS_LAST:
        raise unreadable("Ogg with several streams side by side")
    if page.number != before[-1].number + 1:
        raise AudioError(
            f"damaged: page {page.number} of an Ogg stream follows page {before[-1].number}"
        )


def _read_stream(contents: bytes, pages: list[_Page]) -> Track:
    head = pages[0].body
    codec = next((codec for mark, codec in _CODECS.items() if head.startswith(mark)), None)
    if codec is None:
        foreign = (name for mark, name in _FOREIGN_CODECS.items() if head.startswith(mark))
        raise unreadable(f"Ogg with {next(foreign, 'a codec that is not known')}")
    if codec == "FLAC":
        # A packet each: a header before the native one's, blocks of metadata, frames.
        return flac.read_flac(b"".join(page.body for page in pages)[_FLAC_MAPPING_BYTES:])
    return Track(contents[pages[0].start : pages[-1].end])
