"""Any audio file or bytes to a mono waveform at one rate, and back to a wav file at 16 kHz.

libsndfile, through soundfile, decodes what the modules beside this one find in a file, and must
give as many samples as they count. `in_graph` decodes inside of a TensorFlow graph.
"""

import io
import os
import pathlib
import threading
import wave

import numpy as np
import soundfile
import soxr

from vggish_inversion.audio import header
from vggish_inversion.audio.track import AudioError, Track
from vggish_inversion.files import folders

SAMPLE_RATE_HZ = 16000

# Encoders overshoot 1 by a little; values far above it are damage, or integers stored as floats.
MAX_PEAK = 16.0
_BLOCK_SAMPLES = 2**18


def read_audio(path: str | os.PathLike, *, sample_rate_hz: int = SAMPLE_RATE_HZ) -> np.ndarray:
    """Reads an audio file of one of the containers that `audio.header` lists.

    Content, not the name, tells the container. The file is read whole or refused: samples that a
    header promises and the file lacks are an error, and so is sound behind the end that it names.
    One loss cannot be told: a file that states no length (MP3 without an index, WAV or FLAC from a
    pipe) and was cut precisely between two samples or frames.

    Args:
        path: the file, at any sample rate, with any number of channels (averaged).
        sample_rate_hz: of what is returned, such as a target's.

    Returns:
        `[samples]` float32 in [-1, 1]; at least one sample, all of them finite.

    Raises:
        AudioError: if the file is missing, damaged, truncated or empty, or no audio that is read.
    """
    try:
        return decode_audio(pathlib.Path(path).read_bytes(), sample_rate_hz=sample_rate_hz)
    except OSError as error:
        raise AudioError(f"{os.fspath(path)}: cannot be read: {error.strerror}") from error
    except AudioError as error:
        raise AudioError(f"{os.fspath(path)}: {error}") from error


def decode_audio(contents: bytes, *, sample_rate_hz: int = SAMPLE_RATE_HZ) -> np.ndarray:
    """Decodes the bytes of an audio file, as `read_audio` does.

    Args:
        contents: bytes of the whole file.
        sample_rate_hz: of what is returned.

    Returns:
        `[samples]` float32 in [-1, 1].

    Raises:
        AudioError: if the bytes are damaged, truncated or empty, or no audio that is read.
    """
    waveform, rate_hz = decode_channels(contents)
    return _to_mono(waveform, rate_hz, sample_rate_hz)


def resample(waveform: np.ndarray, *, from_hz: int, to_hz: int) -> np.ndarray:
    """`[samples]` float32 at another rate, by soxr's high quality; the same array at the same.

    >>> resample(np.zeros(22050, np.float32), from_hz=22050, to_hz=16000).shape
    (16000,)
    """
    if from_hz == to_hz:
        return waveform
    return soxr.resample(np.asarray(waveform, np.float32), from_hz, to_hz, quality="HQ")


def decode_channels(contents: bytes) -> tuple[np.ndarray, int]:
    """Decodes the bytes of an audio file as they are.

    Args:
        contents: bytes of the whole file.

    Returns:
        `[samples, channels]` float32, as loud as stored, and the sample rate in Hz.

    Raises:
        AudioError: if the bytes are damaged, truncated or empty, or no audio that is read.
    """
    parts, kinds, rate_hz = [], set(), 0
    for track in header.read_tracks(contents):
        waveform, rate_hz = _decode(track)
        parts.append(waveform)
        kinds.add((rate_hz, waveform.shape[1]))
    if len(kinds) > 1:
        said = " and ".join(f"{rate} Hz with {channels} channels" for rate, channels in kinds)
        raise AudioError(f"streams of several kinds in one file ({said}): split it")
    waveform = parts[0] if len(parts) == 1 else np.concatenate(parts)
    if not len(waveform):
        raise AudioError("no samples: expected at least one")
    return waveform, rate_hz


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


def _decode(track: Track) -> tuple[np.ndarray, int]:
    """Returns `[samples, channels]` float32 and their rate: as many samples as the track has."""
    try:
        if track.is_mpeg:
            waveform, rate_hz, num_samples = _read_through_pipe(track)
        else:
            waveform, rate_hz, num_samples = _read_forwards(io.BytesIO(track.contents), track)
    except soundfile.SoundFileError as error:
        reason = getattr(error, "error_string", str(error)).strip(" .") or "damaged"
        raise AudioError(f"damaged or truncated ({reason})") from error
    if len(waveform) != num_samples:
        raise AudioError(
            f"damaged or truncated: {num_samples} samples promised, {len(waveform)} found"
        )
    return waveform, rate_hz


def _read_through_pipe(track: Track) -> tuple[np.ndarray, int, int]:
    """Reads MPEG audio; from memory libsndfile would stop where it guesses the end.

    The guess takes the first frame's bit rate for that of all, and can lose most of an utterance.
    """
    read_end, write_end = os.pipe()
    pipe = (write_end, track.contents)
    threading.Thread(target=_write_and_close, args=pipe, daemon=True).start()
    try:
        return _read_forwards(read_end, track)
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


def _read_forwards(source: io.BytesIO | int, track: Track) -> tuple[np.ndarray, int, int]:
    """Reads as many samples of a file object or descriptor as there should be, by blocks.

    Returns:
        `[samples, channels]` float32, their rate, and how many there should be.
    """
    settings = {}
    if track.raw is not None:
        subtype, endian, rate_hz, channels = track.raw
        settings = {"format": "RAW", "subtype": subtype, "endian": endian}
        settings |= {"samplerate": rate_hz, "channels": channels}
    with _ForwardFile(source, closefd=False, **settings) as file:
        header.check_rate(file.samplerate)
        num_samples = track.num_samples
        if num_samples is None:
            num_samples = file.frames
            header.check_density(num_samples, len(track.contents))
        blocks = [np.zeros((0, file.channels), np.float32)]
        for first in range(0, num_samples, _BLOCK_SAMPLES):
            num_block_samples = min(_BLOCK_SAMPLES, num_samples - first)
            blocks.append(file.read(num_block_samples, dtype="float32", always_2d=True))
            if len(blocks[-1]) < num_block_samples:
                break
    return np.concatenate(blocks), file.samplerate, num_samples


def _to_mono(waveform: np.ndarray, from_hz: int, to_hz: int) -> np.ndarray:
    """Returns `[samples]` float32 in [-1, 1] of `[samples, channels]`."""
    if not np.isfinite(waveform).all():
        raise AudioError("NaN or infinite samples: expected finite ones")
    peak = np.abs(waveform).max()
    if peak > MAX_PEAK:
        raise AudioError(f"samples reach {peak:g}: expected floats in [-1, 1], undamaged")
    mono = waveform.mean(axis=1, dtype=np.float32)
    mono = resample(mono, from_hz=from_hz, to_hz=to_hz)
    if not len(mono):
        raise AudioError(f"less than one sample at {to_hz} Hz: expected at least one")
    return np.clip(mono, -1.0, 1.0)
