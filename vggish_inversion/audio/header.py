"""What the header of an audio file promises, and whether the file is long enough to keep it.

Decoders trust headers: a damaged one makes them allocate terabytes, crash, or hand out half of an
utterance as if it were the whole. So the contents are checked here before any decoder sees them.
"""

import io
import struct
from collections.abc import Iterator

import soundfile

# These bounds are far outside real audio: the densest MP3 holds 24 samples a byte, digital silence
# in FLAC or Vorbis some thousands.
_RATES_HZ = (4_000, 400_000)
_MAX_SAMPLES_PER_BYTE = {"MP3": 64}
_MAX_SAMPLES_PER_BYTE_OTHERWISE = 65_536

_UNKNOWN_NUM_SAMPLES = 2**63 - 1  # libsndfile's SF_COUNT_MAX
# Who writes a wav into a pipe cannot know its size, and leaves 0 or something near 2^31 or 2^32.
_UNKNOWN_NUM_BYTES = 0x7FFFF000


class AudioError(ValueError):
    """Audio that cannot be used; the message is one line, and names the file where there is one."""


def read_header(contents: bytes):
    """Describes an audio file whose header is plausible and whose last byte is there.

    Args:
        contents: bytes of the whole file.

    Returns:
        soundfile's description: `format`, `subtype`, `samplerate`, `channels` and `frames`, the
        samples per channel (see `is_length_known`).

    Raises:
        AudioError: if the contents are empty, truncated or no audio, or the header absurd.
    """
    if not contents:
        raise AudioError("empty: expected the contents of an audio file")
    try:
        info = soundfile.info(io.BytesIO(contents))
    except soundfile.SoundFileError as error:
        raise AudioError(
            f"not readable as audio ({libsndfile_reason(error)}): expected wav, flac, ogg or mp3"
        ) from error
    if not _RATES_HZ[0] <= info.samplerate <= _RATES_HZ[1]:
        raise AudioError(
            f"header says {info.samplerate} Hz: expected {_RATES_HZ[0]} to {_RATES_HZ[1]} Hz"
        )
    if info.format in ("WAV", "WAVEX"):
        promised, found = _wav_data_bytes(contents)
        if found < promised < _UNKNOWN_NUM_BYTES:
            raise AudioError(f"truncated: header promises {promised} data bytes, {found} are there")
    if info.format == "OGG" and not _has_last_ogg_page(contents):
        raise AudioError("truncated: the Ogg stream does not end with an end-of-stream page")
    density = _MAX_SAMPLES_PER_BYTE.get(info.format, _MAX_SAMPLES_PER_BYTE_OTHERWISE)
    if is_length_known(contents, info) and info.frames > density * len(contents):
        raise AudioError(
            f"damaged: header promises {info.frames} samples, in {len(contents)} bytes"
        )
    return info


def is_length_known(contents: bytes, info) -> bool:
    """Tells whether `info.frames` is a count: an MP3 without an index has only a guess there."""
    if info.format != "MP3":
        return info.frames < _UNKNOWN_NUM_SAMPLES
    start = 0
    if contents.startswith(b"ID3"):  # four bytes of seven bits state the size of the tag
        a, b, c, d = contents[6:10]
        start = 10 + (a << 21 | b << 14 | c << 7 | d)
    head = contents[start : start + 2048]
    return b"Xing" in head or b"Info" in head


def is_consistent_wav(contents: bytes, info) -> bool:
    """Tells whether all sizes in the header of a wav hold: tensorflow-io crashes where not."""
    chunks = {name: (start, num_bytes) for name, start, num_bytes in _wav_chunks(contents)}
    if any(start + num_bytes > len(contents) for start, num_bytes in chunks.values()):
        return False
    start, num_bytes = chunks.get(b"fmt ", (0, 0))
    if num_bytes < 16:
        return False
    _, channels, rate_hz, _, frame_bytes, bits = struct.unpack_from("<HHIIHH", contents, start)
    stated = (channels, rate_hz, frame_bytes)
    return stated == (info.channels, info.samplerate, info.channels * bits // 8)


def libsndfile_reason(error: soundfile.SoundFileError) -> str:
    """Libsndfile's own words, without the address of the buffer that soundfile puts in front."""
    return getattr(error, "error_string", str(error)).strip(" .") or "damaged"


def _wav_chunks(contents: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yields the name, the start and the stated number of bytes of each chunk of a wav file."""
    start = 12
    while start + 8 <= len(contents):
        name, num_bytes = struct.unpack_from("<4sI", contents, start)
        yield name, start + 8, num_bytes
        start += 8 + num_bytes + num_bytes % 2


def _wav_data_bytes(contents: bytes) -> tuple[int, int]:
    """Returns the stated and the present number of bytes from the samples on."""
    for name, start, num_bytes in _wav_chunks(contents):
        if name == b"data":
            return num_bytes, len(contents) - start
    return 0, 0


def _has_last_ogg_page(contents: bytes) -> bool:
    """Tells whether the last page is marked as the last, and is there to its last byte."""
    page = contents[contents.rfind(b"OggS") :]
    if len(page) < 27:
        return False
    num_segments = page[26]
    num_bytes = 27 + num_segments + sum(page[27 : 27 + num_segments])
    return bool(page[5] & 4) and len(page) >= num_bytes
