"""Any audio file -> mono float32 at 16 kHz or another rate, and back."""

from vggish_inversion.audio.decoding import (
    SAMPLE_RATE_HZ,
    decode_audio,
    read_audio,
    resample,
    write_wav,
)
from vggish_inversion.audio.header import AUDIO_EXTENSIONS
from vggish_inversion.audio.track import AudioError
from vggish_inversion.audio.waveforms import Sound, name_of, to_waveform

__all__ = [
    "AUDIO_EXTENSIONS",
    "AudioError",
    "SAMPLE_RATE_HZ",
    "Sound",
    "decode_audio",
    "name_of",
    "read_audio",
    "resample",
    "to_waveform",
    "write_wav",
]
