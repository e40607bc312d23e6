"""Sun's AU and NIST's SPHERE: one header, then samples to the end.

Sources: Sun's audio(4) and RFC 2046's audio/basic; NIST's "SPeech HEader REsources", as
LDC's corpora have it.
"""

import re
import struct

from vggish_inversion.audio import tags
from vggish_inversion.audio.track import (
    AudioError,
    Raw,
    Track,
    is_unknown_size,
    raw_track,
    samples_end,
    unreadable,
)

_AU_ENCODINGS = {1: "ULAW", 2: "PCM_S8", 3: "PCM_16", 4: "PCM_24", 5: "PCM_32", 6: "FLOAT"}
_AU_ENCODINGS |= {7: "DOUBLE", 27: "ALAW"}
_SPHERE_PCM = {1: "PCM_S8", 2: "PCM_16", 3: "PCM_24", 4: "PCM_32"}
_SPHERE_FIELD = re.compile(rb"^([a-z0-9_]+) -[irs]\d* (.*)$", re.MULTILINE)


def read_au(contents: bytes) -> Track:
    """Finds the samples of an AU file of either byte order.

    Args:
        contents: bytes of the whole file.

    Raises:
        AudioError: if samples are missing, or the codec is none of PCM, float, mu-law, A-law.
    """
    order = "<" if contents[:4] == b"dns." else ">"
    if len(contents) < 24:
        raise AudioError("truncated: part of the header of an AU file")
    start, num_bytes, encoding, rate_hz, channels = struct.unpack_from(f"{order}5I", contents, 4)
    if encoding not in _AU_ENCODINGS:
        raise unreadable(f"AU with encoding {encoding}")
    if not 24 <= start <= len(contents):
        raise AudioError(f"damaged or truncated: header says that samples start at {start}")
    raw = Raw(_AU_ENCODINGS[encoding], "LITTLE" if order == "<" else "BIG", rate_hz, channels)
    is_open = is_unknown_size(num_bytes) or num_bytes == 0
    return _read_to_end(contents, start, None if is_open else num_bytes, raw)


def read_sphere(contents: bytes) -> Track:
    """Finds the samples of a SPHERE file, as `read_au` does; Shorten's are not read."""
    try:
        start = int(contents[8:16])
    except ValueError as error:
        raise AudioError("damaged: no size of the header in a SPHERE file") from error
    header = contents[16:start]
    if start > len(contents) or b"end_head" not in header:
        raise AudioError("truncated: part of the header of a SPHERE file")
    fields = dict(_SPHERE_FIELD.findall(header[: header.index(b"end_head")]))
    coding = fields.get(b"sample_coding", b"pcm").decode("latin-1").strip()
    try:
        channels, rate_hz = int(fields.get(b"channel_count", 1)), int(fields[b"sample_rate"])
        num_bytes = int(fields[b"sample_n_bytes"])
        num_samples = int(fields.get(b"sample_count", 0))
    except (KeyError, ValueError) as error:
        raise AudioError("damaged: a field of the header of a SPHERE file") from error
    subtypes = {"pcm": _SPHERE_PCM.get(num_bytes), "ulaw": "ULAW", "mu-law": "ULAW", "alaw": "ALAW"}
    subtype = subtypes.get(coding)
    if subtype is None or (coding != "pcm" and num_bytes != 1):
        raise unreadable(f"SPHERE with {num_bytes} bytes of {coding}")
    byte_order = fields.get(b"sample_byte_format", b"01").strip()
    if num_bytes > 1 and byte_order not in (b"01", b"10", b"012", b"210", b"0123", b"3210"):
        raise unreadable(f"SPHERE with samples of the order {byte_order.decode('latin-1')}")
    raw = Raw(subtype, "LITTLE" if byte_order.startswith(b"0") else "BIG", rate_hz, channels)
    is_open = is_unknown_size(num_samples) or num_samples <= 0
    promised = None if is_open else num_samples * num_bytes * max(channels, 1)
    return _read_to_end(contents, start, promised, raw)


def _read_to_end(contents: bytes, start: int, promised: int | None, raw: Raw) -> Track:
    end = samples_end(contents, start, promised)
    if not tags.is_padding(contents, end):
        raise AudioError(
            f"{len(contents) - end} bytes follow the end that the header names: part of the "
            "recording would be lost; make the file anew"
        )
    return raw_track(contents, start, end, raw, is_end_known=promised is not None)
