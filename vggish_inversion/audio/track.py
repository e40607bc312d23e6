"""A track: where the samples of one audio file lie, and how many, before a decoder runs.

Decoders trust headers: a damaged one makes them allocate terabytes, crash, or hand out half of an
utterance as if it were the whole. So each container's own module finds where its samples begin and
end, and how many there are, and `decoding` takes no other number of them.
"""

import dataclasses
from typing import NamedTuple

# Programs that write into a pipe cannot know a size, and leave one of these, or one that is less by
# the size of a header: 2^31 - 1 (SoX, arecord, libsndfile) or 2^32 - 1 (ffmpeg, GStreamer). A file
# of precisely such a size cannot be told from one of an unknown size.
_UNKNOWN_SIZES = (
    range(0x7FFFF000, 0x80001000),
    range(0xFFFFF000, 0x100000000),
    range(0x7FFFFFFFFFFFF000, 0x8000000000001000),
    range(0xFFFFFFFFFFFFF000, 0x10000000000000000),
)

NEXT_STEP = "convert it to WAV first, for example with `ffmpeg -i FILE FILE.wav`"


class AudioError(ValueError):
    """Audio that cannot be used; the message is one line, and names the file where there is one."""


class Raw(NamedTuple):
    """How samples without a header are stored.

    Attributes:
        subtype: libsndfile's name of the encoding, such as "PCM_16".
        endian: "LITTLE" or "BIG".
        sample_rate_hz: of the file.
        channels: interleaved.
    """

    subtype: str
    endian: str
    sample_rate_hz: int
    channels: int


@dataclasses.dataclass(frozen=True)
class Track:
    """What a decoder is given, and how much it must give back.

    Attributes:
        contents: the bytes to decode: samples alone if `raw` is given, else a file of libsndfile's.
        num_samples: per channel; None where libsndfile's own count is the file's last word.
        raw: how bare samples are stored.
        is_mpeg: whether the contents are MPEG audio, which is decoded through a pipe.
    """

    contents: bytes = dataclasses.field(repr=False)
    num_samples: int | None = None
    raw: Raw | None = None
    is_mpeg: bool = False


# libsndfile's name of an encoding -> bytes per sample.
_SAMPLE_BYTES = {
    **{"PCM_S8": 1, "PCM_U8": 1, "PCM_16": 2, "PCM_24": 3, "PCM_32": 4},
    **{"FLOAT": 4, "DOUBLE": 8, "ULAW": 1, "ALAW": 1},
}


def raw_track(contents: bytes, start: int, end: int, raw: Raw, *, is_end_known: bool) -> Track:
    """Cuts bare samples out of a file.

    Args:
        contents: bytes of the whole file.
        start: place of the first sample.
        end: place behind the last one.
        raw: how they are stored.
        is_end_known: whether the header names the end; where it does, it may name a place within a
            sample. Where it does not, a last sample in part tells that the file was cut.

    Raises:
        AudioError: if the last sample is there in part.
    """
    frame_bytes = _SAMPLE_BYTES[raw.subtype] * raw.channels
    num_samples, rest = divmod(end - start, frame_bytes) if frame_bytes else (0, 0)
    if rest and not is_end_known:
        raise AudioError(
            f"truncated: {rest} of the {frame_bytes} bytes of the last sample are there, "
            "of a length that the header leaves open"
        )
    return Track(contents[start : start + num_samples * frame_bytes], num_samples, raw)


def is_unknown_size(num_bytes: int) -> bool:
    """Tells whether a size in a header is what programs leave that do not know it (see 0 apart)."""
    return any(num_bytes in sizes for sizes in _UNKNOWN_SIZES)


def samples_end(contents: bytes, start: int, promised: int | None) -> int:
    """Returns the place behind the samples: the end of the file where no size is promised.

    Raises:
        AudioError: if the file ends before.
    """
    found = len(contents) - start
    if promised is None:
        return len(contents)
    if found < promised:
        raise AudioError(
            f"truncated: header promises {promised} data bytes, {max(found, 0)} are there"
        )
    return start + promised


def unreadable(what: str) -> AudioError:
    """The error about a file that is whole, and of a kind that is not read."""
    return AudioError(f"{what} is not read: {NEXT_STEP}")
