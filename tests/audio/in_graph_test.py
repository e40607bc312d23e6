"""The graph decodes what `decoding` decodes, to within 1e-6, and says what it does not read."""

import sys
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf

from tests.audio.made_audio import encode, encode_with_ffmpeg, noisy_tone
from vggish_inversion import audio
from vggish_inversion.audio import in_graph

try:
    in_graph.decode.get_concrete_function()
except ImportError as error:
    pytest.skip(str(error), allow_module_level=True)

_WAV = [("WAV", subtype) for subtype in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT")]
_WAVEX = [("WAVEX", subtype) for subtype in ("PCM_16", "PCM_24", "FLOAT")]
_LOSSY = [("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III")]


@pytest.mark.parametrize(("container", "subtype"), [*_WAV, *_WAVEX, *_LOSSY])
@pytest.mark.parametrize("channels", [1, 2])
def test_the_graph_agrees_with_soundfile(container, subtype, channels):
    contents = encode(noisy_tone(4001, 16000, channels), 16000, container, subtype)
    decoded = in_graph.decode(contents)
    assert decoded.dtype == tf.float32
    np.testing.assert_allclose(decoded, audio.decode_audio(contents), rtol=0, atol=1e-6)


def test_tags_and_chunks():
    samples = noisy_tone(4000, 16000)
    tagged = encode_with_ffmpeg(samples, 16000, "mp3", "libmp3lame")
    assert tagged.startswith(b"ID3")
    listed = encode_with_ffmpeg(samples, 16000, "wav", "pcm_s16le")
    assert listed.index(b"LIST") < listed.index(b"data")
    for contents in (tagged, listed):
        np.testing.assert_allclose(
            in_graph.decode(contents), audio.decode_audio(contents), rtol=0, atol=1e-6
        )


def test_in_a_dataset(tmp_path):
    for index, (container, subtype) in enumerate(_LOSSY):
        contents = encode(noisy_tone(4000 + index, 16000), 16000, container, subtype)
        (tmp_path / f"{index}.audio").write_bytes(contents)
    files = tf.data.Dataset.list_files(f"{tmp_path}/*.audio", shuffle=False)
    waveforms = list(files.map(tf.io.read_file).map(in_graph.decode))
    for path, waveform in zip(sorted(tmp_path.iterdir()), waveforms, strict=True):
        np.testing.assert_allclose(waveform, audio.read_audio(path), rtol=0, atol=1e-6)


def test_in_a_saved_model(tmp_path):
    module = tf.Module()
    module.decode = in_graph.decode
    tf.saved_model.save(module, tmp_path, signatures={"decode": in_graph.decode})
    decode = tf.saved_model.load(tmp_path).signatures["decode"]
    for container, subtype in (("WAV", "PCM_24"), *_LOSSY):
        contents = encode(noisy_tone(4000, 16000), 16000, container, subtype)
        (decoded,) = decode(contents=tf.constant(contents)).values()
        np.testing.assert_allclose(decoded, audio.decode_audio(contents), rtol=0, atol=1e-6)


_SAMPLES = noisy_tone(4000, 16000)


@pytest.mark.parametrize(
    ("contents", "pattern"),
    [
        (encode(_SAMPLES, 8000, "WAV", "PCM_16"), "another rate than 16000 Hz.*8000"),
        (encode(_SAMPLES, 44100, "OGG", "VORBIS"), "another rate than 16000 Hz.*44100"),
        (encode(_SAMPLES, 44100, "MP3", "MPEG_LAYER_III"), "another rate than 16000 Hz"),
        (encode(_SAMPLES, 16000, "WAV", "PCM_16")[:4000], "truncated.*promises.*8000"),
        (encode(_SAMPLES, 16000, "WAV", "PCM_16")[:45], "truncated"),
        (encode(_SAMPLES, 16000, "OGG", "VORBIS")[:-1], "truncated"),
        (encode(_SAMPLES, 16000, "OGG", "VORBIS") * 2, "more than one stream"),
        (encode_with_ffmpeg(_SAMPLES, 16000, "wav", "pcm_s16le", is_pipe=True), "open length"),
        (encode(_SAMPLES, 16000, "WAV", "ULAW"), "codec that the graph does not read.*7"),
        (encode(_SAMPLES, 16000, "WAV", "DOUBLE"), "codec that the graph does not read"),
        (encode(_SAMPLES, 16000, "FLAC", "PCM_16"), "reads WAV, Ogg Vorbis and MP3"),
        (encode(_SAMPLES, 16000, "OGG", "OPUS"), "reads WAV, Ogg Vorbis and MP3"),
        (encode(_SAMPLES[:0], 16000, "WAV", "PCM_16") + bytes(9), "no samples"),
        (encode(_SAMPLES * np.nan, 16000, "WAV", "FLOAT"), "NaN or far beyond"),
        (b"", "got too few"),
        (b"text" * 30, "reads WAV, Ogg Vorbis and MP3"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else None,
)
def test_what_the_graph_does_not_read(contents, pattern):
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"(?s){pattern}"):
        in_graph.decode(contents)


def test_damage_in_a_wav_is_an_error_or_audio():
    rng = np.random.default_rng(0)
    original = encode(_SAMPLES[:500], 16000, "WAV", "PCM_16")
    for _ in range(60):
        contents = bytearray(original)
        for place in rng.integers(0, 60, size=2):
            contents[place] = rng.integers(256)
        try:
            decoded = in_graph.decode(bytes(contents))
        except (tf.errors.InvalidArgumentError, tf.errors.OutOfRangeError):
            continue
        assert np.abs(decoded).max() <= 1.0


def test_without_tensorflow_io():
    again = tf.function(in_graph.decode.python_function, autograph=False)
    with (
        mock.patch.dict(sys.modules, {"tensorflow_io": None}),  # makes the import fail
        pytest.raises(ImportError, match="tensorflow-io does not load here.*read_audio"),
    ):
        again(tf.constant(encode(_SAMPLES, 16000, "WAV", "PCM_16")))
