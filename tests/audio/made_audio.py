"""Audio files of every container that is read, made by libsndfile and by ffmpeg (PyAV)."""

import dataclasses
import fractions
import io
from collections.abc import Callable

import av
import numpy as np
import soundfile

_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}


class _Pipe:
    """A place to write that cannot be gone back in: sizes in headers stay open."""

    def __init__(self):
        self._parts = []

    def write(self, part):
        self._parts.append(bytes(part))
        return len(part)

    def getvalue(self):
        return b"".join(self._parts)


def noisy_tone(num_samples, rate_hz, channels=1):
    """Returns `[samples, channels]` float32 in which no two samples in a row are like others."""
    seconds = np.arange(num_samples)[:, None] / rate_hz
    tones = 0.4 * np.sin(2 * np.pi * (440 + 60 * np.arange(channels)) * seconds)
    noise = np.random.default_rng(num_samples).standard_normal((num_samples, channels))
    return np.clip(tones + 0.08 * noise, -0.99, 0.99).astype(np.float32)


def encode(samples, rate_hz, container, subtype, endian="FILE"):
    """Writes a file with libsndfile."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, format=container, subtype=subtype, endian=endian)
    return file.getvalue()


def encode_with_ffmpeg(samples, rate_hz, container, codec, *, is_pipe=False, **options):
    """Writes a file, or into a pipe, with ffmpeg; the encoder's own sample format is its first."""
    file = _Pipe() if is_pipe else io.BytesIO()
    with av.open(file, "w", format=container, options=options) as output:
        stream = output.add_stream(codec, rate=rate_hz)
        context = stream.codec_context
        context.layout = _LAYOUTS[samples.shape[1]]
        context.format = context.codec.audio_formats[0].name
        context.open()
        planes = np.ascontiguousarray(samples.T)
        frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout=context.layout.name)
        frame.sample_rate = rate_hz
        converter = av.AudioResampler(context.format.name, context.layout.name, rate_hz)
        queue = av.AudioFifo()
        for converted in converter.resample(frame):
            queue.write(converted)
        num_samples, place = context.frame_size or 1024, 0
        while part := queue.read(num_samples) or queue.read(num_samples, partial=True):
            part.pts, part.time_base = place, fractions.Fraction(1, rate_hz)
            place += part.samples
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    return file.getvalue()


def decode_with_ffmpeg(contents):
    """Returns `[samples, channels]` float32 and the rate in Hz."""
    parts = []
    with av.open(io.BytesIO(contents)) as file:
        for frame in file.decode(audio=0):
            values = frame.to_ndarray().astype(np.float64)
            sample_format = frame.format.name
            if not sample_format.endswith("p"):
                values = values.reshape(-1, len(frame.layout.channels)).T
            scale = {"u8": 2.0**7, "s16": 2.0**15, "s32": 2.0**31}
            kind = sample_format.removesuffix("p")
            silence = 128 if kind == "u8" else 0
            parts.append(((values - silence) / scale.get(kind, 1.0)).astype(np.float32))
        rate_hz = file.streams.audio[0].codec_context.sample_rate
    return np.concatenate(parts, axis=1).T, rate_hz


@dataclasses.dataclass(frozen=True)
class Kind:
    """A container with a codec.

    Attributes:
        name: of the row.
        make: samples, rate in Hz -> the bytes of a file.
        tolerance: how far libsndfile's samples may be from ffmpeg's.
        twin: makes a file of the same samples that ffmpeg reads, where it cannot read this one.
        is_open: whether its header leaves the length open.
        rates_hz: None for any.
        max_channels: of the codec.
        order_of_6: which of libsndfile's channels are ffmpeg's, of six.
        trims: whether libsndfile ends it where its last page says, and ffmpeg later.
    """

    name: str
    make: Callable[[np.ndarray, int], bytes]
    tolerance: float = 1e-7
    twin: Callable[[np.ndarray, int], bytes] | None = None
    is_open: bool = False
    rates_hz: tuple[int, ...] | None = None
    max_channels: int = 6
    trims: bool = False
    order_of_6: tuple[int, ...] = (0, 1, 2, 3, 4, 5)


def _sf(container, subtype, tolerance=1e-7, endian="FILE", twin=None, **settings):
    def make(samples, rate_hz):
        return encode(samples, rate_hz, container, subtype, endian)

    def make_twin(samples, rate_hz):
        return encode(samples, rate_hz, twin, subtype)

    name = f"{container} {subtype} {endian}"
    return Kind(name, make, tolerance, make_twin if twin else None, **settings)


def _av(container, codec, tolerance=1e-7, *, is_pipe=False, twin=None, options=None, **settings):
    def make(samples, rate_hz, name=container, is_pipe=is_pipe):
        return encode_with_ffmpeg(samples, rate_hz, name, codec, is_pipe=is_pipe, **(options or {}))

    def make_twin(samples, rate_hz):
        return make(samples, rate_hz, twin, False)

    name = f"{container} {codec}{' in a pipe' if is_pipe else ''}{' '.join(options or ())}"
    return Kind(name, make, tolerance, make_twin if twin else None, **settings)


_XIPH = (0, 2, 1, 5, 3, 4)  # the centre is the second channel, and the low one the last
_PLAIN = ("PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW")
_MPEG = 2e-6
_OPUS = 1e-3  # decoders of Opus may differ by more than that
_MPEG_2 = 1e-4  # ffmpeg's decoder of layer II works with integers
_MPEG_RATES_HZ = (16000, 22050, 44100, 48000)
KINDS = (
    *(_sf("WAV", subtype) for subtype in ("PCM_U8", *_PLAIN)),
    _sf("WAV", "IMA_ADPCM", max_channels=2),
    _sf("WAV", "MS_ADPCM", 0.02, max_channels=2),  # predictions are rounded in two ways
    _sf("WAV", "GSM610", max_channels=1),
    *(_sf("WAV", subtype, endian="BIG", twin="WAV") for subtype in ("PCM_U8", *_PLAIN)),
    *(_sf("WAVEX", subtype) for subtype in ("PCM_U8", *_PLAIN)),
    *(_sf("RF64", subtype) for subtype in ("PCM_U8", *_PLAIN)),
    *(_sf("W64", subtype) for subtype in ("PCM_U8", *_PLAIN)),
    _sf("W64", "IMA_ADPCM", max_channels=2),
    *(_sf("AIFF", subtype) for subtype in ("PCM_S8", "PCM_U8", *_PLAIN)),
    *(_sf("AU", subtype) for subtype in ("PCM_S8", *_PLAIN)),
    *(_sf("AU", subtype, endian="LITTLE", twin="AU") for subtype in ("PCM_S8", *_PLAIN)),
    *(_sf("CAF", subtype) for subtype in ("PCM_S8", *_PLAIN)),
    *(_sf("CAF", subtype, endian="LITTLE") for subtype in ("PCM_16", "PCM_24", "FLOAT")),
    *(_sf("NIST", subtype) for subtype in ("PCM_S8", "PCM_16", "PCM_24", "PCM_32", "ULAW", "ALAW")),
    _sf("NIST", "PCM_16", endian="BIG"),
    *(_sf("FLAC", subtype) for subtype in ("PCM_S8", "PCM_16", "PCM_24")),
    _sf("OGG", "VORBIS", 2e-6, trims=True, order_of_6=_XIPH),
    _sf("OGG", "OPUS", _OPUS, order_of_6=_XIPH, rates_hz=(48000,)),
    _sf("MP3", "MPEG_LAYER_III", _MPEG, max_channels=2, rates_hz=_MPEG_RATES_HZ),
    _av("wav", "pcm_s16le"),
    _av("wav", "pcm_s16le", is_pipe=True, is_open=True),
    _av("wav", "pcm_s24le", is_pipe=True, is_open=True),
    _av("wav", "adpcm_ima_wav", max_channels=2),
    _av("wav", "adpcm_ms", max_channels=2),
    _av("wav", "adpcm_ms", is_pipe=True, is_open=True, max_channels=2),
    _av("wav", "libmp3lame", _MPEG, max_channels=2, rates_hz=_MPEG_RATES_HZ),
    _av("wav", "mp2", _MPEG_2, max_channels=2, rates_hz=_MPEG_RATES_HZ),
    _av("wav", "pcm_s16le", options={"rf64": "always"}),
    _av("wav", "pcm_s16le", is_pipe=True, options={"rf64": "always"}, twin="wav", is_open=True),
    _av("w64", "pcm_s16le"),
    _av("w64", "adpcm_ms", max_channels=2),
    _av("w64", "pcm_f32le", is_pipe=True, twin="wav", is_open=True),
    *(_av("aiff", codec) for codec in ("pcm_s16be", "pcm_s16le", "pcm_f32be", "pcm_mulaw")),
    _av("aiff", "pcm_s16be", is_pipe=True, twin="aiff", is_open=True),
    *(_av("au", codec, is_pipe=True, is_open=True) for codec in ("pcm_s16be", "pcm_f32be")),
    *(_av("caf", codec, is_pipe=True, is_open=True) for codec in ("pcm_s16be", "pcm_f32le")),
    _av("caf", "pcm_s24le"),
    _av("flac", "flac"),
    _av("flac", "flac", is_pipe=True, is_open=True),
    _av("ogg", "flac"),
    _av("ogg", "libopus", _OPUS, order_of_6=_XIPH, rates_hz=(48000,)),
    _av("mp3", "libmp3lame", _MPEG, max_channels=2, rates_hz=_MPEG_RATES_HZ),
    _av("mp3", "libmp3lame", _MPEG, is_pipe=True, is_open=True, max_channels=2,
        rates_hz=_MPEG_RATES_HZ),
    _av("mp2", "mp2", _MPEG_2, is_open=True, max_channels=2, rates_hz=_MPEG_RATES_HZ),
)  # fmt: skip
