"""Recognises audio containers by their first bytes, and reads what their headers promise.

WAV (RIFF, RIFX), RF64,  PCM, float, mu-law, A-law; and, without  .wav .wave .rf64 .bw64 .w64
  BW64, Wave64           RIFX, MS ADPCM, IMA ADPCM, GSM 6.10,
                         MPEG layers II and III
AIFF, AIFF-C             PCM, float, mu-law, A-law                .aiff .aif .aifc
CAF                      PCM, float, mu-law, A-law                .caf
AU                       PCM, float, mu-law, A-law                .au .snd
SPHERE                   PCM, mu-law, A-law                       .sph .nist
FLAC                     FLAC                                     .flac
Ogg, also chained        Vorbis, Opus, FLAC                       .ogg .oga .opus
MPEG audio               layers II and III                        .mp3 .mp2
"""

from collections.abc import Callable, Sequence

from vggish_inversion.audio import aiff, au_sphere, flac, foreign, mpeg, ogg, tags, wav
from vggish_inversion.audio.track import AudioError, Track, unreadable

AUDIO_EXTENSIONS = (
    *(".wav", ".wave", ".rf64", ".bw64", ".w64", ".aiff", ".aif", ".aifc", ".caf", ".au", ".snd"),
    *(".sph", ".nist", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".mp2"),
)

_RATES_HZ = (4_000, 400_000)
_MAX_CHANNELS = 255
# Far outside of real sound: digital silence in FLAC takes a byte for some thousands of samples.
_MAX_SAMPLES_PER_BYTE = 65_536

# First bytes -> the reader of a container.
_READERS: dict[bytes, Callable[[bytes], Track | Sequence[Track]]] = {
    **dict.fromkeys((b"RIFF", b"RIFX", b"RF64", b"BW64"), wav.read_wav),
    wav.WAVE64_RIFF: wav.read_wave64,
    b"FORM": aiff.read_aiff,
    b"caff": aiff.read_caf,
    **dict.fromkeys((b".snd", b"dns."), au_sphere.read_au),
    b"NIST_1A\n": au_sphere.read_sphere,
    b"fLaC": flac.read_flac,
    b"OggS": ogg.read_ogg,
}


def read_tracks(contents: bytes) -> list[Track]:
    """Finds and counts the samples of an audio file, whose container its first bytes tell.

    Args:
        contents: bytes of the whole file.

    Returns:
        One track, or several that follow each other.

    Raises:
        AudioError: if the contents are empty, damaged, truncated, of another kind, or hold more
            than the header names, or if the header is absurd.
    """
    if not contents:
        raise AudioError("empty: expected the contents of an audio file")
    start = tags.skip_id3v2(contents)
    if start >= len(contents):
        raise AudioError("truncated: a tag (ID3) and no sound behind it")
    found = _find_reader(contents, start)(contents[start:] if start else contents)
    tracks = [found] if isinstance(found, Track) else list(found)
    for track in tracks:
        _check(track)
    return tracks


def _find_reader(contents: bytes, start: int) -> Callable[[bytes], Track | Sequence[Track]]:
    for mark, reader in _READERS.items():
        if contents.startswith(mark, start):
            return reader
    # Padding that a tag does not count is found in front of MPEG audio alone.
    place = start
    while start and contents[place : place + 1] == b"\0":
        place += 1
    if mpeg.is_mpeg(contents, place):
        return mpeg.read_mpeg
    sound = foreign.foreign_sound(contents[start:])
    if sound:
        raise unreadable(sound)
    what = foreign.foreign_file(contents[start:])
    raise AudioError(
        f"not readable as audio{f' ({what})' if what else ''}: "
        f"expected the contents of one of {' '.join(AUDIO_EXTENSIONS)}"
    )


def _check(track: Track) -> None:
    """Raises AudioError for what no recording has."""
    if track.raw is not None:
        if not 0 < track.raw.channels <= _MAX_CHANNELS:
            raise AudioError(f"header says {track.raw.channels} channels: expected 1 to 255")
        check_rate(track.raw.sample_rate_hz)
    if track.num_samples is not None:
        check_density(track.num_samples, len(track.contents))


def check_rate(rate_hz: int) -> None:
    """Raises AudioError for a rate that is none of recordings."""
    if not _RATES_HZ[0] <= rate_hz <= _RATES_HZ[1]:
        raise AudioError(f"header says {rate_hz} Hz: expected {_RATES_HZ[0]} to {_RATES_HZ[1]} Hz")


def check_density(num_samples: int, num_bytes: int) -> None:
    """Raises AudioError for more samples than bytes can hold."""
    if num_samples > _MAX_SAMPLES_PER_BYTE * max(num_bytes, 1):
        raise AudioError(f"damaged: header promises {num_samples} samples, in {num_bytes} bytes")
