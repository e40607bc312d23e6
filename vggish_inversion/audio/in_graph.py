"""Decodes audio files inside a TensorFlow graph: in tf.data, and in a SavedModel.

`decode` needs no Python where it runs. It reads files at 16 kHz: WAV (PCM of 8, 16, 24 and 32
bits, 32-bit float; any number of channels) by TensorFlow itself, Ogg Vorbis and MP3 (layer III) by
tensorflow-io, whose decoders are 3 to 4 times slower than those of `decoding`. There is no
resampler in the graph, and nothing there tells that the end of an MP3 is missing:
`decoding.read_audio` takes every other rate and container, and is stricter.

A SavedModel with `decode` in it loads where tensorflow-io does, after `import tensorflow_io`:

    dataset = tf.data.Dataset.list_files("speech/*.wav").map(tf.io.read_file).map(in_graph.decode)

    module = tf.Module()
    module.decode = in_graph.decode
    tf.saved_model.save(module, folder, signatures={"decode": in_graph.decode})
"""

import tensorflow as tf

from vggish_inversion.audio.decoding import MAX_PEAK, SAMPLE_RATE_HZ

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_MIN_BYTES = 44
_VORBIS_RATE_BYTE = 40  # behind the first page's header of 28 bytes, a mark and a version


@tf.function(input_signature=[tf.TensorSpec([], tf.string, "contents")], autograph=False)
def decode(contents: tf.Tensor) -> tf.Tensor:
    """Decodes an audio file at 16 kHz, as `decoding.decode_audio` does to within 1e-6.

    Args:
        contents: `[]` string, the bytes of the whole file.

    Returns:
        `[samples]` float32 in [-1, 1] at 16 kHz; channels are averaged.

    Raises:
        ImportError: if tensorflow-io does not load, when the graph is made.
        tf.errors.InvalidArgumentError: if the file is of another rate, container or codec, empty,
            or damaged in a way that a decoder notices; a WAV or Ogg also if it is truncated.
    """
    is_long_enough = tf.strings.length(contents) >= _MIN_BYTES
    contents = _require(is_long_enough, contents, "expected the bytes of a file, got too few")
    is_wav = (_text(contents, 0, 4) == "RIFF") & (_text(contents, 8, 4) == "WAVE")
    is_vorbis = (_text(contents, 0, 4) == "OggS") & (_text(contents, 29, 6) == "vorbis")
    waveform = tf.case(
        [(is_wav, lambda: _decode_wav(contents)), (is_vorbis, lambda: _decode_vorbis(contents))],
        default=lambda: _decode_mp3(contents),
    )
    waveform = _require(tf.size(waveform) > 0, waveform, "no samples: expected at least one")
    in_range = tf.reduce_max(tf.abs(waveform)) <= MAX_PEAK  # false of NaN, too
    waveform = _require(in_range, waveform, "samples are NaN or far beyond [-1, 1]")
    return tf.clip_by_value(tf.reduce_mean(waveform, axis=1), -1.0, 1.0)


def _require(condition: tf.Tensor, value: tf.Tensor, *message) -> tf.Tensor:
    """Passes a value on, under a condition: what is computed of it does not run before."""
    with tf.control_dependencies([tf.debugging.Assert(condition, list(message))]):
        return tf.identity(value)


def _text(contents: tf.Tensor, place, num_bytes) -> tf.Tensor:
    return tf.strings.substr(contents, place, num_bytes)


def _integer(contents: tf.Tensor, place, num_bytes: int) -> tf.Tensor:
    """Reads an unsigned little-endian integer, as int64."""
    values = tf.io.decode_raw(_text(contents, place, num_bytes), tf.uint8)
    scales = tf.constant([256**power for power in range(num_bytes)], tf.int64)
    return tf.reduce_sum(tf.cast(values, tf.int64) * scales)


def _require_rate(rate_hz: tf.Tensor, value: tf.Tensor) -> tf.Tensor:
    said = "a file at another rate than 16000 Hz: resample it first; its rate is"
    return _require(rate_hz == SAMPLE_RATE_HZ, value, said, rate_hz)


def _decode_wav(contents: tf.Tensor) -> tf.Tensor:
    """Returns `[samples, channels]` float32."""
    end = tf.cast(tf.strings.length(contents), tf.int64)

    def is_before_samples(place, _):
        return (place + 8 <= end) & (_text(contents, place, 4) != "data")

    def to_next_chunk(place, fmt):
        num_bytes = _integer(contents, place + 4, 4)
        fmt = tf.where(_text(contents, place, 4) == "fmt ", place + 8, fmt)
        return place + 8 + (num_bytes + 1) // 2 * 2, fmt

    start = (tf.constant(12, tf.int64), tf.constant(-1, tf.int64))
    place, fmt = tf.while_loop(is_before_samples, to_next_chunk, start)
    has_chunks = (fmt >= 0) & (fmt + 28 <= end) & (place + 8 <= end)
    said = "damaged or truncated: a WAV file without its chunks"
    contents = _require(has_chunks, contents, said)
    num_bytes = _integer(contents, place + 4, 4)
    said = "truncated, or of an open length: a WAV file promises this many bytes of samples:"
    contents = _require(place + 8 + num_bytes <= end, contents, said, num_bytes)
    codec, channels, rate_hz, block_bytes, bits = (
        _integer(contents, fmt + offset, size)
        for offset, size in ((0, 2), (2, 2), (4, 4), (12, 2), (14, 2))
    )
    codec = tf.where(codec == _EXTENSIBLE, _integer(contents, fmt + 24, 2), codec)
    contents = _require_rate(rate_hz, contents)
    is_plain = (channels > 0) & (bits > 0) & (block_bytes * 8 == channels * bits)
    is_pcm = (codec == _PCM) & tf.reduce_any([bits == width for width in _PCM_READERS])
    is_float = (codec == _FLOAT) & (bits == 32)
    said = "a WAV file of a codec that the graph does not read; codec and bits are"
    contents = _require(is_plain & (is_pcm | is_float), contents, said, codec, bits)
    samples = _text(contents, place + 8, num_bytes // tf.maximum(block_bytes, 1) * block_bytes)
    branches = [(is_float, lambda: tf.io.decode_raw(samples, tf.float32))]
    for width, read in _PCM_READERS.items():
        branches.append((bits == width, lambda read=read: read(samples)))
    return tf.reshape(tf.case(branches), [-1, channels])


def _from_8(samples: tf.Tensor) -> tf.Tensor:
    return (tf.cast(tf.io.decode_raw(samples, tf.uint8), tf.float32) - 128.0) / 2.0**7


def _from_16(samples: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.io.decode_raw(samples, tf.int16), tf.float32) / 2.0**15


def _from_24(samples: tf.Tensor) -> tf.Tensor:
    parts = tf.reshape(tf.cast(tf.io.decode_raw(samples, tf.uint8), tf.int32), [-1, 3])
    values = tf.reduce_sum(parts * [1, 2**8, 2**16], axis=1)
    return tf.cast(tf.where(values < 2**23, values, values - 2**24), tf.float32) / 2.0**23


def _from_32(samples: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.io.decode_raw(samples, tf.int32), tf.float32) / 2.0**31


_PCM_READERS = {8: _from_8, 16: _from_16, 24: _from_24, 32: _from_32}


def _decode_vorbis(contents: tf.Tensor) -> tf.Tensor:
    """Returns `[samples, channels]` float32."""
    contents = _require_rate(_integer(contents, _VORBIS_RATE_BYTE, 4), contents)
    # Zeros behind the end, so that the header of a last page in part can be read.
    values = tf.cast(tf.pad(tf.io.decode_raw(contents, tf.uint8), [[0, 27 + 255]]), tf.int64)
    width = tf.size(values) - 3
    letters = [values[place : width + place] == code for place, code in enumerate(b"OggS")]
    pages = tf.where(tf.reduce_all(letters, axis=0))[:, 0]
    num_starts = tf.math.count_nonzero(tf.gather(values, pages + 5) & 2)
    said = "an Ogg file with more than one stream: split it"
    contents = _require(num_starts == 1, contents, said)
    last = pages[-1]
    body = last + 27 + values[last + 26]
    end = body + tf.reduce_sum(values[last + 27 : body])
    is_last = values[last + 5] & 4 != 0
    is_whole = is_last & (end <= tf.cast(tf.strings.length(contents), tf.int64))
    contents = _require(is_whole, contents, "truncated: an Ogg stream without its last page")
    return _decode_with_tensorflow_io("decode_vorbis", contents)


def _decode_mp3(contents: tf.Tensor) -> tf.Tensor:
    """Returns `[samples, channels]` float32."""
    sizes = tf.cast(tf.io.decode_raw(_text(contents, 6, 4), tf.uint8), tf.int32)
    tag_bytes = 10 + tf.reduce_sum(sizes * [2**21, 2**14, 2**7, 1])
    start = tf.where(_text(contents, 0, 3) == "ID3", tag_bytes, 0)
    has_sound = start + 4 < tf.strings.length(contents)
    start = _require(has_sound, start, "truncated: a tag (ID3) and no sound behind it")
    header = tf.cast(tf.io.decode_raw(_text(contents, start, 4), tf.uint8), tf.int32)
    is_layer_3 = (header[0] == 0xFF) & (header[1] & 0xE6 == 0xE2)
    said = "the graph reads WAV, Ogg Vorbis and MP3: this file is none of them"
    contents = _require(is_layer_3, contents, said)
    # 16 kHz is the third rate of MPEG 2.
    is_16_khz = (header[1] & 0x18 == 0x10) & (header[2] & 0x0C == 0x08)
    said = "a file at another rate than 16000 Hz: resample it first"
    contents = _require(is_16_khz, contents, said)
    return _decode_with_tensorflow_io("decode_mp3", contents)


def _decode_with_tensorflow_io(function: str, contents: tf.Tensor) -> tf.Tensor:
    try:
        import tensorflow_io

        return getattr(tensorflow_io.audio, function)(contents)
    except (ImportError, NotImplementedError, AttributeError, RuntimeError) as error:
        # Its library of ops loads on first use, and not under another TensorFlow.
        raise ImportError(
            "tensorflow-io does not load here, and decodes Ogg and MP3 in a graph: use TensorFlow "
            "2.16 with Python 3.11, or audio.read_audio outside of the graph"
        ) from error
