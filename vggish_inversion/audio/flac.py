"""FLAC: the last frame states where it ends, in samples, and checksums show damage.

A stream may leave its length open (0, as into a pipe). The number in the header of the last frame
gives it; a stream of open length that was cut between two frames cannot be told from a whole one.

Source: RFC 9639.
"""

import struct
from typing import NamedTuple

from vggish_inversion.audio import tags
from vggish_inversion.audio.track import AudioError, Track

_STREAM_INFO_BYTES = 34
# Bytes that look like a frame's header, checksum included, are one in billions.
_MAX_CANDIDATES = 16
_FRAME_OVERHEAD_BYTES = 256
_BLOCK_SAMPLES = {1: 192, 2: 576, 3: 1152, 4: 2304, 5: 4608}
_BLOCK_SAMPLES |= {code: 256 << code - 8 for code in range(8, 16)}
_RATE_BYTES = {12: 1, 13: 2, 14: 2}


class _Description(NamedTuple):
    start: int  # of the first frame
    block_samples: int
    max_frame_bytes: int  # of samples that are not compressed
    promised: int  # samples of the stream; 0 where that is left open


class _Frame(NamedTuple):
    place: int
    first_sample: int
    num_samples: int


def read_flac(contents: bytes) -> Track:
    """Counts the samples of a FLAC file.

    Args:
        contents: bytes of the whole file, from "fLaC" on.

    Raises:
        AudioError: if a part of it is missing, or another file follows.
    """
    start, block_samples, max_frame_bytes, promised = _read_description(contents)
    end = tags.tags_start(contents, start)
    if start >= end:
        raise AudioError("truncated: no frames in a FLAC file" if promised else "no samples")
    if contents.find(b"fLaC", start) >= 0 and _is_second_file(contents, start):
        raise AudioError("more than one FLAC file in one: split it, or make the file anew")
    # A checksum of two zeros hides nothing: a frame with zeros behind it has the checksum 0, too.
    while end > start + 3 and contents[end - 3 : end] == bytes(3):
        end -= 1
    first = _read_frame(contents, start, block_samples)
    last = _last_frame(contents, max(start, end - max_frame_bytes), end, block_samples)
    if first is None or last is None:
        raise AudioError("damaged or truncated: the last frame of a FLAC file is not whole")
    _check_order(contents, first, last, block_samples)
    num_samples = last.first_sample + last.num_samples - first.first_sample
    if promised and promised != num_samples:
        raise AudioError(
            f"damaged or truncated: header promises {promised} samples, frames end at {num_samples}"
        )
    return Track(contents, num_samples)


def _read_description(contents: bytes) -> _Description:
    place, is_last = 4, False
    block_samples = max_frame_bytes = promised = 0
    while not is_last:
        header = contents[place : place + 4]
        num_bytes = int.from_bytes(header[1:], "big")
        if len(header) < 4 or place + 4 + num_bytes > len(contents):
            raise AudioError("truncated: part of the header of a FLAC file")
        is_last = bool(header[0] & 0x80)
        if place == 4:
            if header[0] & 0x7F or num_bytes != _STREAM_INFO_BYTES:
                raise AudioError("damaged: no description of the stream in a FLAC file")
            block_samples, max_block_samples = struct.unpack_from(">HH", contents, place + 4)
            (packed,) = struct.unpack_from(">Q", contents, place + 4 + 10)
            promised = packed & 2**36 - 1
            channels, bits = (packed >> 41 & 7) + 1, (packed >> 36 & 31) + 1
            max_frame_bytes = max_block_samples * channels * (bits + 1) // 8 + _FRAME_OVERHEAD_BYTES
        place += 4 + num_bytes
    return _Description(place, block_samples, max_frame_bytes, promised)


def _is_second_file(contents: bytes, place: int) -> bool:
    """Tells whether a second file begins anywhere behind the first one's header."""
    while (place := contents.find(b"fLaC", place + 1)) >= 0:
        if contents[place + 4 : place + 8] in (b"\x00\x00\x00\x22", b"\x80\x00\x00\x22"):
            return True
    return False


def _last_frame(contents: bytes, start: int, end: int, block_samples: int) -> _Frame | None:
    """Returns the frame that ends where the file does, or None without one."""
    place, num_candidates = end, 0
    while (place := contents.rfind(b"\xff", start, place)) >= 0:
        frame = _read_frame(contents, place, block_samples)
        if frame is None:
            continue
        if _crc(contents[place:end], _CRC_16) == 0:
            return frame
        num_candidates += 1
        if num_candidates == _MAX_CANDIDATES:
            break
    return None


def _check_order(contents: bytes, frame: _Frame, last: _Frame, block_samples: int) -> None:
    """Makes sure that each frame begins where the one before ends: decoders fill gaps with zeros.

    Raises:
        AudioError: if a frame is missing.
    """
    place = frame.place
    mark = contents[place : place + 2]
    while frame.place != last.place:
        place = contents.find(mark, place + 1, last.place + 2)
        if place < 0:
            raise AudioError(
                "damaged: no frame of a FLAC file begins at sample "
                f"{frame.first_sample + frame.num_samples}"
            )
        found = _read_frame(contents, place, block_samples)
        if found and found.first_sample == frame.first_sample + frame.num_samples:
            frame = found


def _read_frame(contents: bytes, place: int, block_samples: int) -> _Frame | None:
    """Returns the frame whose header, valid by its checksum, is at a place, or None."""
    header = contents[place : place + 16]
    if len(header) < 6 or header[0] != 0xFF or header[1] & 0xFE != 0xF8:
        return None
    number, length = _coded_number(header[4:])
    size_code, rate_code = header[2] >> 4, header[2] & 0x0F
    size_bytes = size_code - 5 if size_code in (6, 7) else 0
    num_bytes = 4 + length + size_bytes + _RATE_BYTES.get(rate_code, 0) + 1
    if not length or len(header) < num_bytes or _crc(header[:num_bytes], _CRC_8) != 0:
        return None
    if size_bytes:
        num_samples = 1 + int.from_bytes(header[4 + length : 4 + length + size_bytes], "big")
    else:
        num_samples = _BLOCK_SAMPLES.get(size_code, 0)
    counts_samples = header[1] & 1
    return _Frame(place, number if counts_samples else number * block_samples, num_samples)


def _coded_number(coded: bytes) -> tuple[int, int]:
    """Decodes UTF-8's way of writing numbers, of 36 bits here; gives it and its length in bytes."""
    first = coded[0]
    length = 8 - (first ^ 0xFF).bit_length()
    if length == 0:
        return first, 1
    if length == 1 or len(coded) < length:
        return 0, 0
    number = first & (0x7F >> length)
    for byte in coded[1:length]:
        number = number << 6 | byte & 0x3F
    return number, length


def _crc_table(polynomial: int, num_bits: int) -> tuple[int, int, list[int]]:
    top, mask = 1 << num_bits - 1, (1 << num_bits) - 1
    table = []
    for value in range(256):
        value <<= num_bits - 8
        for _ in range(8):
            value = (value << 1 ^ polynomial if value & top else value << 1) & mask
        table.append(value)
    return num_bits - 8, mask, table


_CRC_8, _CRC_16 = _crc_table(0x07, 8), _crc_table(0x8005, 16)


def _crc(contents: bytes, rule: tuple[int, int, list[int]]) -> int:
    """Returns the checksum: 0 of bytes that end with their own."""
    shift, mask, table = rule
    crc = 0
    for byte in contents:
        crc = (crc << 8 & mask) ^ table[crc >> shift ^ byte]
    return crc
