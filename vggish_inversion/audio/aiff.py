"""AIFF, AIFF-C and Apple's Core Audio Format.

Sources: Apple's "Audio Interchange File Format: AIFF-C" (1991) and "Core Audio Format
Specification 1.0".
"""

import struct

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

_IFF = Layout(struct.Struct(">4sI"), padding=2)
_CAF = Layout(struct.Struct(">4sQ"), padding=1)
_BY_BITS = {8: "PCM_S8", 16: "PCM_16", 24: "PCM_24", 32: "PCM_32"}
# AIFF-C's compression -> libsndfile's subtype (None: PCM by bits) and byte order.
_COMPRESSIONS = {
    **{b"NONE": (None, "BIG"), b"twos": (None, "BIG"), b"sowt": (None, "LITTLE")},
    **{
        b"raw ": ("PCM_U8", "BIG"),
        b"in24": ("PCM_24", "BIG"),
        b"42ni": ("PCM_24", "LITTLE"),
        b"42n1": ("PCM_24", "LITTLE"),
    },
    **{b"in32": ("PCM_32", "BIG"), b"23ni": ("PCM_32", "LITTLE")},
    **{b"fl32": ("FLOAT", "BIG"), b"FL32": ("FLOAT", "BIG")},
    **{b"fl64": ("DOUBLE", "BIG"), b"FL64": ("DOUBLE", "BIG")},
    **{b"ulaw": ("ULAW", "BIG"), b"ULAW": ("ULAW", "BIG")},
    **{b"alaw": ("ALAW", "BIG"), b"ALAW": ("ALAW", "BIG")},
}


def read_aiff(contents: bytes) -> Track:
    """Finds the samples of an AIFF or AIFF-C file.

    Args:
        contents: bytes of the whole file.

    Raises:
        AudioError: if samples are missing, or lie where the header does not say, or the codec is
            none of PCM, float, mu-law, A-law.
    """
    if contents[8:12] not in (b"AIFF", b"AIFC"):
        raise unreadable(f"IFF of the kind {contents[8:12]!r}")
    found: dict[bytes, Chunk] = {}
    for chunk in walk(contents, 12, _IFF):
        found.setdefault(chunk.name, chunk)
        if b"COMM" in found and b"SSND" in found:
            break
    comm, ssnd = found.get(b"COMM"), found.get(b"SSND")
    if comm is None or ssnd is None or ssnd.start + 8 > len(contents):
        missing = "description" if comm is None else "samples"
        raise AudioError(f"damaged or truncated: no {missing} (chunk) in an AIFF file")
    channels, num_frames, bits, rate_hz, compression = _read_comm(contents, comm)
    if compression not in _COMPRESSIONS:
        raise unreadable(f"AIFF-C with codec {compression!r}")
    subtype, endian = _COMPRESSIONS[compression]
    if subtype is None:
        subtype = _BY_BITS.get(-(-bits // 8) * 8)
    if subtype is None:
        raise unreadable(f"AIFF of {bits} bits")
    raw = Raw(subtype, endian, rate_hz, channels)

    promised = promised_bytes(contents, ssnd, _IFF)
    end = samples_end(contents, ssnd.start, promised)
    if promised is not None:
        check_rest(contents, ssnd, _IFF)
    (offset,) = struct.unpack_from(">I", contents, ssnd.start)
    start = ssnd.start + 8 + offset
    track = raw_track(contents, min(start, end), end, raw, is_end_known=promised is not None)
    if num_frames and not is_unknown_size(num_frames) and num_frames != track.num_samples:
        cut = "truncated" if num_frames > (track.num_samples or 0) else "damaged"
        raise AudioError(
            f"{cut}: header promises {num_frames} samples, room is for {track.num_samples}"
        )
    return track


def _read_comm(contents: bytes, comm: Chunk) -> tuple[int, int, int, int, bytes]:
    if comm.num_bytes < 18 or comm.start + 18 > len(contents):
        raise AudioError("damaged or truncated: a short description (COMM) in an AIFF file")
    channels, num_frames, bits = struct.unpack_from(">HIH", contents, comm.start)
    # 80-bit floats: an exponent of 15 bits and a mantissa of 64 with its leading one.
    exponent, mantissa = struct.unpack_from(">HQ", contents, comm.start + 8)
    rate_hz = int(mantissa * 2.0 ** (min(exponent & 0x7FFF, 16383 + 64) - 16383 - 63) + 0.5)
    compression = b"NONE"
    if contents[8:12] == b"AIFC":
        compression = bytes(contents[comm.start + 18 : comm.start + 22])
    return channels, num_frames, bits, rate_hz, compression


def read_caf(contents: bytes) -> Track:
    """Finds the samples of a Core Audio file, and raises as `read_aiff` does."""
    found: dict[bytes, Chunk] = {}
    for chunk in walk(contents, 8, _CAF):
        found.setdefault(chunk.name, chunk)
        if chunk.name == b"data":
            break
    desc, data = found.get(b"desc"), found.get(b"data")
    if desc is None or data is None or desc.num_bytes < 32 or data.start + 4 > len(contents):
        missing = "samples" if desc else "description"
        raise AudioError(f"damaged or truncated: no {missing} (chunk) in a CAF file")
    rate_hz, codec, flags, packet_bytes, _, channels, bits = struct.unpack_from(
        ">d4sIIIII", contents, desc.start
    )
    is_float, endian = flags & 1, "LITTLE" if flags & 2 else "BIG"
    subtypes = {
        b"ulaw": "ULAW",
        b"alaw": "ALAW",
        b"lpcm": ({32: "FLOAT", 64: "DOUBLE"} if is_float else _BY_BITS).get(bits),
    }
    subtype = subtypes.get(codec)
    if subtype is None:
        raise unreadable(f"CAF with codec {codec!r} of {bits} bits")
    if codec == b"lpcm" and packet_bytes != channels * bits // 8:
        raise AudioError(
            f"damaged: header says {bits} bits in packets of {packet_bytes} bytes, "
            f"for {channels} channels"
        )
    if not 0 < rate_hz < 2**31:
        raise AudioError(f"damaged: header says {rate_hz:g} Hz")
    promised = promised_bytes(contents, data, _CAF)
    end = samples_end(contents, data.start, promised)
    if promised is not None:
        check_rest(contents, data, _CAF)
    raw = Raw(subtype, endian, round(rate_hz), channels)
    start = min(data.start + 4, end)  # behind the count of edits
    return raw_track(contents, start, end, raw, is_end_known=promised is not None)
