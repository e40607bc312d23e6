"""Sound in every container and codec that libsndfile writes, and its reader."""

import functools
import pathlib

import numpy as np

from fuzzing import readers
from fuzzing.readers import Reader

# Name of a seed -> sample rate, channels and options of libsndfile.
AUDIO_SEEDS = {
    "u8.wav": (8000, 1, {"subtype": "PCM_U8"}),
    "16.wav": (16000, 1, {"subtype": "PCM_16"}),
    "stereo.wav": (44100, 2, {"subtype": "PCM_16"}),
    "24.wav": (16000, 1, {"subtype": "PCM_24"}),
    "32.wav": (16000, 1, {"subtype": "PCM_32"}),
    "float.wav": (16000, 1, {"subtype": "FLOAT"}),
    "double.wav": (16000, 1, {"subtype": "DOUBLE"}),
    "ulaw.wav": (8000, 1, {"subtype": "ULAW"}),
    "ima.wav": (16000, 1, {"subtype": "IMA_ADPCM"}),
    "ms.wav": (16000, 1, {"subtype": "MS_ADPCM"}),
    "gsm.wav": (8000, 1, {"subtype": "GSM610"}),
    "x.wav": (16000, 1, {"subtype": "PCM_24", "format": "WAVEX"}),
    "rifx.wav": (16000, 1, {"subtype": "PCM_16", "format": "WAV", "endian": "BIG"}),
    "64.wav": (16000, 2, {"subtype": "PCM_16", "format": "RF64"}),
    "16.w64": (16000, 1, {"subtype": "PCM_16"}),
    "ima.w64": (16000, 1, {"subtype": "IMA_ADPCM"}),
    "24.aiff": (16000, 1, {"subtype": "PCM_24"}),
    "float.aiff": (16000, 2, {"subtype": "FLOAT"}),
    "16.caf": (16000, 1, {"subtype": "PCM_16"}),
    "little.caf": (16000, 1, {"subtype": "FLOAT", "endian": "LITTLE"}),
    "ulaw.au": (8000, 1, {"subtype": "ULAW"}),
    "16.au": (16000, 2, {"subtype": "PCM_16"}),
    "16.sph": (16000, 1, {"subtype": "PCM_16", "format": "NIST"}),
    "16.flac": (16000, 1, {"subtype": "PCM_16"}),
    "24.flac": (48000, 2, {"subtype": "PCM_24"}),
    "vorbis.ogg": (16000, 1, {"subtype": "VORBIS"}),
    "stereo.ogg": (44100, 2, {"subtype": "VORBIS"}),
    "opus.ogg": (48000, 1, {"subtype": "OPUS"}),
    "16.opus": (16000, 1, {"subtype": "OPUS", "format": "OGG"}),
    "constant.mp3": (16000, 1, {"bitrate_mode": "CONSTANT"}),
    "variable.mp3": (44100, 2, {"bitrate_mode": "VARIABLE"}),
    "average.mp3": (16000, 1, {"bitrate_mode": "AVERAGE"}),
}


def write_audio(folder: pathlib.Path, suffix: str) -> None:
    """Half a second of speech in every form of one format that libsndfile writes."""
    import soundfile

    for name, (rate_hz, channels, options) in AUDIO_SEEDS.items():
        if name.endswith(suffix):
            mono = np.interp(
                np.arange(rate_hz // 2) / rate_hz * 16000, np.arange(19200), readers.speech()
            )
            soundfile.write(folder / name, np.stack([mono] * channels, 1), rate_hz, **options)


_AUDIO_EXTENSIONS = (
    ".wav",
    ".w64",
    ".aiff",
    ".caf",
    ".au",
    ".sph",
    ".flac",
    ".ogg",
    ".opus",
    ".mp3",
)


def _read_audio(folder, _):
    from vggish_inversion import audio

    for path in folder.iterdir():
        waveform = audio.read_audio(path)
        assert waveform.ndim == 1 and len(waveform) and abs(waveform).max() <= 1.0, waveform


READERS = tuple(
    Reader("audio", kind, functools.partial(write_audio, suffix=kind), "*", _read_audio)
    for kind in _AUDIO_EXTENSIONS
)
