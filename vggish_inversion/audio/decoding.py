"""Any audio file or bytes to a mono waveform at 16 kHz, and back to a wav file.

tensorflow-io decodes where it loads (setup.py says where that is), soundfile elsewhere; both give
the same samples, and one resampler serves both. TensorFlow is imported with the first file.
"""

import functools
import io
import os
import pathlib
import struct
import threading
import warnings
import wave

import numpy as np
import soundfile
import soxr

from vggish_inversion.audio import header as audio_header
from vggish_inversion.audio.header import AudioError
from vggish_inversion.files import folders

SAMPLE_RATE_HZ = 16000
AUDIO_EXTENSIONS = (".wav", ".flac", ".ogg", ".mp3")
DECODERS = ("auto", "tensorflow_io", "soundfile")

# What tensorflow-io 0.37 decodes as libsndfile does: container, subtype -> function, dtype.
# Absent, and so left to soundfile: wav of 32-bit integers (taken for floats) and of 64-bit floats
# (refused), and FLAC, where one damaged frame makes decode_flac loop for ever.
_TENSORFLOW_IO_DECODERS = {
    ("WAV", "PCM_U8"): ("decode_wav", "uint8"),
    ("WAV", "PCM_16"): ("decode_wav", "int16"),
    ("WAV", "PCM_24"): ("decode_wav", "int32"),
    ("WAV", "FLOAT"): ("decode_wav", "float32"),
    ("WAVEX", "PCM_U8"): ("decode_wav", "uint8"),
    ("WAVEX", "PCM_16"): ("decode_wav", "int16"),
    ("WAVEX", "PCM_24"): ("decode_wav", "int32"),
    ("WAVEX", "FLOAT"): ("decode_wav", "float32"),
    ("OGG", "VORBIS"): ("decode_vorbis", None),
    ("MP3", "MPEG_LAYER_III"): ("decode_mp3", None),
}
# dtype -> the value of silence, and full scale.
_PCM_SCALES = {
    "uint8": (128.0, 2.0**7),
    "int16": (0.0, 2.0**15),
    "int32": (0.0, 2.0**31),
    "float32": (0.0, 1.0),
}
# Encoders overshoot 1 by a little; values far above it are damage, or integers stored as floats.
_MAX_PEAK = 16.0
_BLOCK_SAMPLES = 2**18


def read_audio(path: str | os.PathLike) -> np.ndarray:
    """Reads an audio file: wav (8 to 64 bit), flac, ogg or mp3, told by content, not by name.

    Args:
        path: the file, at any sample rate, with any number of channels (averaged).

    Returns:
        `[samples]` float32 in [-1, 1] at 16 kHz; at least one sample, all of them finite.

    Raises:
        AudioError: if the file is missing, damaged, truncated or empty, or no audio.
    """
    try:
        return decode_audio(pathlib.Path(path).read_bytes())
    except OSError as error:
        raise AudioError(f"{os.fspath(path)}: cannot be read: {error.strerror}") from error
    except AudioError as error:
        raise AudioError(f"{os.fspath(path)}: {error}") from error


def decode_audio(contents: bytes, *, decoder: str = "auto") -> np.ndarray:
    """Decodes the bytes of an audio file, as `read_audio` does.

    Args:
        contents: bytes of the whole file.
        decoder: "tensorflow_io" (which leaves to soundfile what it cannot decode), "soundfile", or
            "auto": the first of them that loads here. They agree to about 1e-6.

    Returns:
        `[samples]` float32 in [-1, 1] at 16 kHz.

    Raises:
        AudioError: if the bytes are damaged, truncated or empty, or no audio.
        RuntimeError: if "tensorflow_io" is asked for and does not load.
        ValueError: for another name of a decoder.
    """
    if decoder not in DECODERS:
        raise ValueError(f"decoder is {decoder!r}: expected one of {', '.join(DECODERS)}")
    tensorflow_io = None if decoder == "soundfile" else _load_tensorflow_io()
    if tensorflow_io is None and decoder == "tensorflow_io":
        raise RuntimeError("tensorflow-io does not load here: use decoder='soundfile' or 'auto'")

    info = audio_header.read_header(contents)
    waveform = None
    if tensorflow_io is not None:
        waveform = _decode_with_tensorflow_io(tensorflow_io, contents, info)
    if waveform is None:
        waveform = _decode_with_soundfile(contents, info)
    if audio_header.is_length_known(contents, info) and len(waveform) < info.frames:
        raise AudioError(
            f"damaged or truncated: {info.frames} samples promised, {len(waveform)} found"
        )
    return _to_mono_16_khz(waveform, info.samplerate)


def write_wav(path: str | os.PathLike, waveform: np.ndarray) -> None:
    """Writes 16 kHz 16-bit PCM, whole or not at all; values beyond [-1, 1] are clipped.

    Args:
        path: the file to write, in a folder that exists.
        waveform: `[samples]` float, finite.

    Raises:
        ValueError: if the waveform is not one-dimensional or not finite.
    """
    waveform = np.asarray(waveform, np.float32)
    if waveform.ndim != 1:
        raise ValueError(f"waveform has shape {waveform.shape}: expected [samples]")
    if not np.isfinite(waveform).all():
        raise ValueError("waveform has NaN or infinite samples: expected finite ones")
    # Python's own writer: where a disk is full, it says OSError and no more.
    with (
        folders.write_file(pathlib.Path(path)) as unfinished,
        open(unfinished, "wb") as file,
        wave.open(file, "wb") as wav,
    ):
        wav.setparams((1, 2, SAMPLE_RATE_HZ, len(waveform), "NONE", "not compressed"))
        for first in range(0, len(waveform), _BLOCK_SAMPLES):
            pcm = np.rint(waveform[first : first + _BLOCK_SAMPLES] * 2.0**15)
            wav.writeframesraw(np.clip(pcm, -(2**15), 2**15 - 1).astype("<i2").tobytes())


@functools.cache
def _load_tensorflow_io():
    """Returns tensorflow_io where it and its ops load, else None; tried once a process."""
    # The library of ops loads on first use, and under another TensorFlow it is that which fails.
    header = (b"RIFF", 38, b"WAVEfmt ", 16, 1, 1, 16000, 32000, 2, 16, b"data", 2, 0)
    silence = struct.pack("<4sI8sIHHIIHH4sIh", *header)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import tensorflow_io

            tensorflow_io.audio.decode_wav(silence, dtype="int16")
        except (ImportError, NotImplementedError, AttributeError, RuntimeError):
            return None
    return tensorflow_io


def _decode_with_tensorflow_io(tensorflow_io, contents: bytes, info) -> np.ndarray | None:
    """Returns `[samples, channels]` float32, or None for what soundfile should decode."""
    function, dtype = _TENSORFLOW_IO_DECODERS.get((info.format, info.subtype), (None, None))
    if function is None:
        return None
    if function == "decode_wav" and not audio_header.is_consistent_wav(contents, info):
        return None
    import tensorflow as tf

    decode = getattr(tensorflow_io.audio, function)
    try:
        pcm = (decode(contents, dtype=dtype) if dtype else decode(contents)).numpy()
    except (tf.errors.OpError, UnicodeDecodeError):  # some of its messages are no UTF-8
        return None
    if audio_header.is_length_known(contents, info) and len(pcm) != info.frames:
        return None
    silence, full_scale = _PCM_SCALES[pcm.dtype.name]
    # Exact in float32: full scale is a power of two, and silence is 0 but for 8 bits.
    return (pcm.astype(np.float32) - np.float32(silence)) / np.float32(full_scale)


def _decode_with_soundfile(contents: bytes, info) -> np.ndarray:
    """Returns `[samples, channels]` float32."""
    try:
        if audio_header.is_length_known(contents, info):
            return soundfile.read(io.BytesIO(contents), dtype="float32", always_2d=True)[0]
        if info.format != "MP3":
            return _read_forwards(io.BytesIO(contents))
        return _read_through_pipe(contents)
    except soundfile.SoundFileError as error:
        reason = audio_header.libsndfile_reason(error)
        raise AudioError(f"damaged or truncated ({reason})") from error


def _read_through_pipe(contents: bytes) -> np.ndarray:
    """Reads an MP3 of unknown length; from memory libsndfile would stop where it guessed the end.

    The guess takes the first frame's bit rate for that of all, and can lose most of an utterance.
    """
    read_end, write_end = os.pipe()
    threading.Thread(target=_write_and_close, args=(write_end, contents), daemon=True).start()
    try:
        return _read_forwards(read_end)
    finally:
        os.close(read_end)


def _write_and_close(descriptor: int, contents: bytes) -> None:
    try:
        with os.fdopen(descriptor, "wb") as pipe:
            pipe.write(contents)
    except BrokenPipeError:
        pass  # the reader found damage, and says so itself


class _ForwardFile(soundfile.SoundFile):
    """A sound file without seeking, which soundfile does after each read where it can."""

    def seekable(self) -> bool:
        return False


def _read_forwards(source: io.BytesIO | int) -> np.ndarray:
    """Returns `[samples, channels]` float32 of a file object or descriptor, up to its end."""
    with _ForwardFile(source, closefd=False) as file:
        blocks = [file.read(_BLOCK_SAMPLES, dtype="float32", always_2d=True)]
        while len(blocks[-1]) == _BLOCK_SAMPLES:
            blocks.append(file.read(_BLOCK_SAMPLES, dtype="float32", always_2d=True))
    return np.concatenate(blocks)


def _to_mono_16_khz(waveform: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """Returns `[samples]` float32 in [-1, 1] of `[samples, channels]` at any rate."""
    if not len(waveform):
        raise AudioError("no samples: expected at least one")
    if not np.isfinite(waveform).all():
        raise AudioError("NaN or infinite samples: expected finite ones")
    peak = np.abs(waveform).max()
    if peak > _MAX_PEAK:
        raise AudioError(f"samples reach {peak:g}: expected floats in [-1, 1], undamaged")
    mono = waveform.mean(axis=1, dtype=np.float32)
    if sample_rate_hz != SAMPLE_RATE_HZ:
        mono = soxr.resample(mono, sample_rate_hz, SAMPLE_RATE_HZ, quality="HQ")
    if not len(mono):
        raise AudioError("less than one sample at 16 kHz: expected at least one")
    return np.clip(mono, -1.0, 1.0)
