"""WAV and its kin: RIFF, RIFX, RF64, BW64 and Wave64.

Sources: Microsoft's "Multiple Channel Audio Data and WAVE Files", EBU Tech 3306 (RF64), ITU-R
BS.2088 (BW64) and Sony's "Wave64 Information Architecture".
"""

import struct

from vggish_inversion.audio import mpeg
from vggish_inversion.audio.chunks import Chunk, Layout, check_rest, promised_bytes, walk
from vggish_inversion.audio.track import (
    AudioError,
    Raw,
    Track,
    is_unknown_size,
    raw_track,
    samples_end,
    unreadable,
)

_LITTLE = Layout(struct.Struct("<4sI"), padding=2)
_BIG = Layout(struct.Struct(">4sI"), padding=2)
_WAVE64 = Layout(struct.Struct("<16sQ"), padding=8, counts_header=True)
WAVE64_RIFF = b"riff" + bytes.fromhex("2e91cf11a5d628db04c10000")
_WAVE64_TAIL = bytes.fromhex("f3acd3118cd100c04f8edb8a")

_PCM, _MS_ADPCM, _FLOAT, _ALAW, _ULAW, _IMA_ADPCM, _GSM = 1, 2, 3, 6, 7, 0x11, 0x31
_MPEG_1_2, _MPEG_3, _EXTENSIBLE = 0x50, 0x55, 0xFFFE
_SUBFORMAT_TAIL = bytes.fromhex("000000001000800000aa00389b71")
_BLOCK_CODECS = (_MS_ADPCM, _IMA_ADPCM, _GSM)
_GSM_SAMPLES = 320
# Of codecs that are named in errors alone.
_NAMES = {0x16: "G.723 ADPCM", 0x40: "G.721 ADPCM", 0x42: "G.723.1", 0x69: "ADPCM"}
_NAMES |= {0x160: "Windows Media Audio", 0x161: "Windows Media Audio", 0x38: "NMS ADPCM"}
_NAMES |= {0xFF: "AAC", 0x1610: "AAC", 0x2000: "AC-3", 0x674F: "Vorbis", 0xF1AC: "FLAC"}


def read_wav(contents: bytes) -> Track:
    """Finds the samples of a RIFF, RIFX, RF64 or BW64 file.

    Args:
        contents: bytes of the whole file.

    Raises:
        AudioError: if samples are missing, or lie where the header does not say, or the codec is
            none of PCM, float, mu-law, A-law, MS ADPCM, IMA ADPCM, GSM 6.10, MPEG layers II, III.
    """
    layout = _BIG if contents[:4] == b"RIFX" else _LITTLE
    if contents[8:12] != b"WAVE":
        raise unreadable(f"RIFF of the kind {contents[8:12]!r}")
    found = {}
    for chunk in walk(contents, 12, layout):
        found.setdefault(chunk.name, chunk)
        if chunk.name == b"data":
            break
    samples = found.get(b"data")
    size_64 = found.get(b"ds64")
    if samples and size_64 and (is_unknown_size(samples.num_bytes) or not samples.num_bytes):
        place = size_64.start + 8
        num_bytes = int.from_bytes(contents[place : place + 8], "little")
        samples = samples._replace(num_bytes=num_bytes)
    return _read(contents, found.get(b"fmt "), samples, layout)


def read_wave64(contents: bytes) -> Track:
    """Finds the samples of a Wave64 file; raises as `read_wav` does."""
    if contents[24:40] != b"wave" + _WAVE64_TAIL:
        raise unreadable("Wave64 without waves")
    found = {}
    for chunk in walk(contents, 40, _WAVE64):
        found.setdefault(chunk.name, chunk)
        if chunk.name == b"data" + _WAVE64_TAIL:
            break
    names = (b"fmt " + _WAVE64_TAIL, b"data" + _WAVE64_TAIL)
    return _read(contents, *map(found.get, names), _WAVE64)


def _read(contents: bytes, fmt: Chunk | None, data: Chunk | None, layout: Layout) -> Track:
    if fmt is None or data is None or fmt.start + fmt.num_bytes > data.start:
        missing = "description" if fmt is None else "samples"
        raise AudioError(f"damaged or truncated: no {missing} (chunk) in a WAV file")
    promised = promised_bytes(contents, data, layout)
    end = samples_end(contents, data.start, promised)
    if promised is not None:
        check_rest(contents, data, layout)
    order = ">" if layout is _BIG else "<"
    if fmt.num_bytes < 16:
        raise AudioError(f"damaged: {fmt.num_bytes} bytes of description, expected 16 or more")
    codec, channels, rate_hz, _, block_bytes, bits = struct.unpack_from(
        f"{order}HHIIHH", contents, fmt.start
    )
    if codec == _EXTENSIBLE and fmt.num_bytes >= 40:
        codec, tail = struct.unpack_from(f"{order}H14s", contents, fmt.start + 24)
        if tail != _SUBFORMAT_TAIL and order == "<":
            raise unreadable("WAV of a private sub-format")
    if codec in (_MPEG_1_2, _MPEG_3):
        return mpeg.read_mpeg(contents[data.start : end])
    if codec in _BLOCK_CODECS:
        if order == ">":
            raise unreadable(f"RIFX with codec {codec:#x}")
        description = contents[fmt.start : fmt.start + fmt.num_bytes]
        return _block_track(description, contents[data.start : end], is_cut=promised is None)
    raw = Raw(
        _subtype(codec, channels, block_bytes, bits),
        "BIG" if order == ">" else "LITTLE",
        rate_hz,
        channels,
    )
    return raw_track(contents, data.start, end, raw, is_end_known=promised is not None)


def _subtype(codec: int, channels: int, block_bytes: int, bits: int) -> str:
    """Returns libsndfile's name of bare samples; they are as wide as a block says."""
    num_bytes, rest = divmod(block_bytes, max(channels, 1))
    if codec in (_ULAW, _ALAW) and (num_bytes, rest) == (1, 0):
        return "ULAW" if codec == _ULAW else "ALAW"
    if codec not in (_PCM, _FLOAT, _ULAW, _ALAW):
        raise unreadable(f"WAV with codec {codec:#x} ({_NAMES.get(codec, 'not known')})")
    if rest or num_bytes != (bits + 7) // 8:
        raise AudioError(
            f"damaged: header says {bits} bits in blocks of {block_bytes} bytes, "
            f"for {channels} channels"
        )
    names = {1: "PCM_U8", 2: "PCM_16", 3: "PCM_24", 4: "PCM_32"}
    if codec == _FLOAT:
        names = {4: "FLOAT", 8: "DOUBLE"}
    if num_bytes not in names:
        raise unreadable(f"WAV of {bits} bits")
    return names[num_bytes]


def _block_track(description: bytes, data: bytes, *, is_cut: bool) -> Track:
    """Makes a plain WAV file of a codec with blocks, for libsndfile to decode."""
    codec, _, _, _, block_bytes = struct.unpack_from("<HHIIH", description)
    if codec == _GSM:
        samples_per_block = _GSM_SAMPLES
    else:
        if len(description) < 20:
            raise AudioError("damaged: no samples per block in the description of ADPCM")
        (samples_per_block,) = struct.unpack_from("<H", description, 18)
    num_blocks, rest = divmod(len(data), max(block_bytes, 1))
    # GSM's blocks of 65 bytes are filled up to an even number, and some writers count that.
    if rest and (is_cut or (codec, rest) != (_GSM, 1)):
        raise AudioError(
            f"truncated: {rest} of the {block_bytes} bytes of the last block are there"
        )
    data = data[: num_blocks * block_bytes]
    if codec == _GSM:
        data += bytes(num_blocks % 2 * block_bytes)  # libsndfile counts blocks by two
    description += bytes(len(description) % 2)
    num_samples = num_blocks * samples_per_block
    fact = struct.pack("<4sII", b"fact", 4, num_samples % 2**32)
    body = b"WAVE" + struct.pack("<4sI", b"fmt ", len(description)) + description + fact
    body += struct.pack("<4sI", b"data", len(data) % 2**32) + data
    return Track(struct.pack("<4sI", b"RIFF", len(body) % 2**32) + body, num_samples)
