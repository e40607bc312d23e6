"""Spectrogram pictures as small PNG files."""

import base64
import struct
import zlib

import matplotlib
import numpy as np

from vggish_inversion.report.markup import Html, tag

COLORMAP = "magma"
# Fewer colours than a byte holds: the steps stay below what the eye separates, and files shrink.
_NUM_COLORS = 128


def spectrogram_png(log_mel: np.ndarray, *, low: float, high: float) -> bytes:
    """A picture of a log-mel spectrogram, one pixel a value.

    Args:
        log_mel: `[frames, bands]` float, natural log.
        low: the value of the darkest colour.
        high: the value of the brightest.

    Returns:
        A PNG file, frames wide and bands high: time runs right, frequency up.
    """
    scaled = (np.asarray(log_mel, np.float32).T[::-1] - low) / max(high - low, 1e-6)
    indices = np.round(np.clip(scaled, 0.0, 1.0) * (_NUM_COLORS - 1)).astype(np.uint8)
    height, width = indices.shape
    # Each line of a PNG starts with its filter; 0 (none) is right for indexed colours.
    lines = np.hstack([np.zeros((height, 1), np.uint8), indices])
    palette = matplotlib.colormaps[COLORMAP](np.linspace(0, 1, _NUM_COLORS), bytes=True)[:, :3]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _png_chunk(kind, body)
        for kind, body in (
            (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            (b"PLTE", np.ascontiguousarray(palette).tobytes()),
            (b"IDAT", zlib.compress(lines.tobytes(), 9)),
            (b"IEND", b""),
        )
    )


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def data_uri(contents: bytes, media_type: str) -> str:
    """Contents as an address that needs neither a file nor a network."""
    return f"data:{media_type};base64,{base64.b64encode(contents).decode('ascii')}"


def color_bar(low: float, high: float) -> Html:
    """The colour scale that all the spectrograms share."""
    ramp = np.linspace(low, high, 256, dtype=np.float32)[:, None]
    picture = data_uri(spectrogram_png(ramp, low=low, high=high), "image/png")
    return tag(
        "span",
        f"{low:g}",
        tag("img", src=picture, alt="dark to bright", width=96, height=10),
        f"{high:g} nats",
        class_="color-bar",
    )
