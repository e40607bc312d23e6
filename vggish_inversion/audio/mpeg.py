"""MPEG audio, layers II and III (MP3): counts frames from the first to the last.

A frame states its own size alone, so a file is whole if its frames follow each other without a
gap, and the last one ends where the file, or a tag, does. Encoders of MP3 write the number of
frames into the first one (Xing's index, or Fraunhofer's). Where they did not, as into a pipe, a
file that was cut between two frames cannot be told from a whole one.

Sources: ISO 11172-3 and 13818-3; "Mp3 Info Tag rev 1" (gabriel.mp3-tech.org).
"""

import struct
from typing import NamedTuple

from vggish_inversion.audio import tags
from vggish_inversion.audio.track import AudioError, Track, unreadable

_RATES_HZ = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_MPEG_1 = 3
# (is MPEG 1, layer) -> bit rates in kbit/s, of the index 1 and up.
_KBITS = {
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_MONO = 3
# Fields of Xing's index, by the bit that announces them, and their bytes: frames, bytes, places,
# quality.
_XING_FIELDS = {1: 4, 2: 4, 4: 100, 8: 4}
_DECODER_DELAY = 529
_MAX_ENCODER_DELAY = 1105


class _Frame(NamedTuple):
    kind: tuple  # what does not change between the frames of a file
    num_bytes: int
    num_samples: int


def is_mpeg(contents: bytes, start: int) -> bool:
    """Tells whether a frame of MPEG audio, of any layer, begins at a place."""
    return _is_sync(contents[start : start + 4])


def read_mpeg(contents: bytes) -> Track:
    """Counts the samples of MPEG audio.

    Args:
        contents: bytes of the whole file, with its tags.

    Raises:
        AudioError: if a frame is missing, damaged or cut, or another file follows.
    """
    start = tags.skip_id3v2(contents)
    while contents[start : start + 1] == b"\0":  # padding that the tag does not count
        start += 1
    end = tags.tags_start(contents, start)
    first = _read_frame(contents, start)
    if first is None:
        raise AudioError("damaged or truncated: no frame of MPEG audio where one is expected")
    place, num_frames = start, 0
    frame: _Frame | None = first
    while frame is not None and frame.kind == first.kind:
        if place + frame.num_bytes > end:
            raise AudioError(
                f"truncated: {end - place} of the {frame.num_bytes} bytes of the last frame are "
                "there"
            )
        place, num_frames = place + frame.num_bytes, num_frames + 1
        frame = _read_frame(contents, place)
    if not tags.is_padding(contents, place):
        raise AudioError(
            f"damaged, or more than one file: no frame like the {num_frames} before it follows at "
            f"byte {place} of {len(contents)}"
        )
    index = contents[start : start + first.num_bytes]
    num_samples = _count_samples(index, first, num_frames)
    return Track(contents[start:place], num_samples, is_mpeg=True)


def _count_samples(index: bytes, first: _Frame, num_frames: int) -> int:
    """Returns what the frames hold; less what an index in the first one says of padding."""
    version, _, _, is_mono = first.kind
    side_bytes = (17 if is_mono else 32) if version == _MPEG_1 else (9 if is_mono else 17)
    place = 4 + side_bytes
    promised, padding = None, 0
    if index[place : place + 4] in (b"Xing", b"Info"):
        flags, frames = struct.unpack_from(">II", index.ljust(place + 12, b"\0"), place + 4)
        promised = frames if flags & 1 else None
        field_bytes = sum(size for bit, size in _XING_FIELDS.items() if flags & bit)
        padding = _padding(index, place + 8 + field_bytes)
    elif index[36:40] == b"VBRI":
        (promised,) = struct.unpack_from(">I", index.ljust(54, b"\0"), 36 + 14)
    else:
        return num_frames * first.num_samples
    num_frames -= 1  # the index is a frame without sound
    if promised is not None and promised != num_frames:
        raise AudioError(
            f"truncated, or more than one file: the index promises {promised} frames of MPEG "
            f"audio, {num_frames} are there"
        )
    if padding > 2 * first.num_samples + _MAX_ENCODER_DELAY:
        raise AudioError(f"damaged: the index takes {padding} samples of MPEG audio for padding")
    return max(num_frames * first.num_samples - padding, 0)


def _padding(index: bytes, lame: int) -> int:
    """Returns the samples that a decoder drops at both ends, as LAME's part of the index says."""
    delays = index[lame + 21 : lame + 24]
    if len(delays) < 3 or not index[lame : lame + 4].strip(b"\0"):
        return 0
    before = (delays[0] << 4 | delays[1] >> 4) + _DECODER_DELAY
    return before + max(((delays[1] & 0x0F) << 8 | delays[2]) - _DECODER_DELAY, 0)


def _is_sync(header: bytes) -> bool:
    """Tells whether four bytes can begin a frame: version, layer, bit rate and rate are valid."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return False
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    return version != 1 and layer != 4 and header[2] >> 4 != 15 and header[2] >> 2 & 3 != 3


def _read_frame(contents: bytes, place: int) -> _Frame | None:
    header = contents[place : place + 4]
    if not _is_sync(header):
        return None
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    bit_rate = header[2] >> 4
    if layer == 1:
        raise unreadable("MPEG audio of layer I")
    if bit_rate == 0:
        raise unreadable("MPEG audio of a free format")
    is_mpeg_1 = version == _MPEG_1
    rate_hz = _RATES_HZ[version][header[2] >> 2 & 3]
    num_samples = 576 if layer == 3 and not is_mpeg_1 else 1152
    bits_per_second = 1000 * _KBITS[is_mpeg_1, layer][bit_rate - 1]
    num_bytes = num_samples // 8 * bits_per_second // rate_hz + (header[2] >> 1 & 1)
    kind = (version, layer, rate_hz, header[3] >> 6 == _MONO)
    return _Frame(kind, num_bytes, num_samples)
