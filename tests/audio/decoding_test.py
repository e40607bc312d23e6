"""Tests of reading and writing audio; every file is made here."""

import io
import pathlib
import struct
import subprocess
import sys
from unittest import mock

import numpy as np
import soundfile
import tensorflow as tf

from vggish_inversion import audio

# container, subtype, how far a sample may be from what was written.
_LOSSLESS = (
    ("WAV", "PCM_U8", 2**-7),
    ("WAV", "PCM_16", 2**-14),
    ("WAV", "PCM_24", 2**-22),
    ("WAV", "PCM_32", 2**-22),
    ("WAV", "FLOAT", 0.0),
    ("WAV", "DOUBLE", 0.0),
    ("WAVEX", "PCM_16", 2**-14),
    ("FLAC", "PCM_16", 2**-14),
    ("FLAC", "PCM_24", 2**-22),
)
_LOSSY = (("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III"))


def _tone(num_samples, rate_hz, *, channels=1):
    """Returns `[samples, channels]` float32: sines that fade, the same at any rate."""
    seconds = np.arange(num_samples)[:, None] / rate_hz
    tones = 0.4 * np.sin(2 * np.pi * (440 + 60 * np.arange(channels)) * seconds)
    tones = tones + 0.2 * np.sin(2 * np.pi * 2500 * seconds)
    fade = np.sin(np.pi * seconds * rate_hz / num_samples) ** 2
    return (tones * fade).astype(np.float32)


def _encode(samples, rate_hz, container, subtype):
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate_hz, format=container, subtype=subtype)
    return buffer.getvalue()


class DecodeTest(tf.test.TestCase):
    def _both(self, contents):
        """Decodes with both decoders, and checks that they agree sample for sample."""
        by_soundfile = audio.decode_audio(contents, decoder="soundfile")
        self.assertEqual(by_soundfile.dtype, np.float32)
        if audio._load_tensorflow_io() is not None:
            by_tensorflow_io = audio.decode_audio(contents, decoder="tensorflow_io")
            self.assertEqual(by_tensorflow_io.dtype, np.float32)
            self.assertAllClose(by_tensorflow_io, by_soundfile, rtol=0, atol=1e-5)
        return by_soundfile

    def test_lossless_at_16_khz_is_what_was_written(self):
        for container, subtype, tolerance in _LOSSLESS:
            for channels in (1, 2):
                with self.subTest(container=container, subtype=subtype, channels=channels):
                    samples = _tone(4001, 16000, channels=channels)
                    decoded = self._both(_encode(samples, 16000, container, subtype))
                    expected = samples.mean(axis=1)
                    self.assertAllClose(decoded, expected, rtol=0, atol=tolerance + 1e-7)

    def test_any_rate_gives_the_same_sound(self):
        expected = _tone(8000, 16000)[:, 0]
        for container in ("WAV", "FLAC"):
            for rate_hz in (8000, 11025, 22050, 44100, 48000, 96000):
                with self.subTest(container=container, rate_hz=rate_hz):
                    samples = _tone(rate_hz // 2, rate_hz, channels=1)
                    decoded = self._both(_encode(samples, rate_hz, container, "PCM_16"))
                    self.assertNear(len(decoded), 8000, 1)
                    self.assertAllClose(decoded, expected[: len(decoded)], atol=1e-3)

    def test_lossy_at_any_rate_is_aligned_with_what_was_written(self):
        for container, subtype in _LOSSY:
            for rate_hz, channels in ((16000, 1), (22050, 1), (44100, 2), (48000, 1), (48000, 2)):
                with self.subTest(container=container, rate_hz=rate_hz, channels=channels):
                    samples = _tone(rate_hz // 2, rate_hz, channels=channels)
                    decoded = self._both(_encode(samples, rate_hz, container, subtype))
                    expected = _tone(8000, 16000, channels=channels).mean(axis=1)
                    self.assertNear(len(decoded), 8000, 1)
                    # A shift by one sample would take the correlation to about 0.9.
                    correlation = np.corrcoef(decoded, expected[: len(decoded)])[0, 1]
                    self.assertGreater(correlation, 0.995)

    def test_resampling_keeps_the_tone_and_drops_what_would_alias(self):
        seconds = np.arange(48000) / 48000
        mixed = 0.4 * np.sin(2 * np.pi * 1000 * seconds) + 0.4 * np.sin(2 * np.pi * 11000 * seconds)
        decoded = self._both(_encode(mixed.astype(np.float32), 48000, "WAV", "FLOAT"))
        expected = 0.4 * np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)
        self.assertAllClose(decoded[200:-200], expected[200:-200], atol=1e-3)

    def test_mp3_without_an_index_is_read_to_its_end(self):
        # The first frame (384 bytes: 128 kbit/s at 48 kHz) is the index; the bit rate varies.
        contents = _encode(_tone(96000, 48000), 48000, "MP3", "MPEG_LAYER_III")
        self.assertEqual((contents[384], b"Xing" in contents[:384]), (0xFF, True))
        decoded = self._both(contents[384:])
        self.assertNear(len(decoded), 32000, 800)  # what the index says of padding is lost

    def test_streamed_files_state_no_length(self):
        samples = _tone(3000, 16000)
        wav = bytearray(_encode(samples, 16000, "WAV", "PCM_16"))
        wav[4:8] = wav[40:44] = b"\xff" * 4
        self.assertAllClose(self._both(bytes(wav)), samples[:, 0], atol=2**-14)
        flac = bytearray(_encode(samples, 16000, "FLAC", "PCM_16"))
        flac[21] &= 0xF0  # 36 bits of the stream's description count its samples
        flac[22:26] = bytes(4)
        self.assertAllClose(self._both(bytes(flac)), samples[:, 0], atol=2**-14)

    def test_peaks_are_clipped(self):
        loud = np.array([0.5, -3.0, 2.0], np.float32)
        decoded = self._both(_encode(loud, 16000, "WAV", "FLOAT"))
        self.assertAllEqual(decoded, [0.5, -1.0, 1.0])

    def test_without_tensorflow_io(self):
        contents = _encode(_tone(500, 16000), 16000, "WAV", "PCM_16")
        expected = audio.decode_audio(contents)
        audio._load_tensorflow_io.cache_clear()
        self.addCleanup(audio._load_tensorflow_io.cache_clear)
        with mock.patch.dict(sys.modules, {"tensorflow_io": None}):  # makes the import fail
            self.assertAllEqual(audio.decode_audio(contents), expected)
            with self.assertRaisesRegex(RuntimeError, "tensorflow-io does not load"):
                audio.decode_audio(contents, decoder="tensorflow_io")

    def test_unknown_decoder(self):
        with self.assertRaisesRegex(ValueError, "expected one of auto, tensorflow_io, soundfile"):
            audio.decode_audio(b"", decoder="ffmpeg")

    def test_import_leaves_tensorflow_alone(self):
        code = "import sys, vggish_inversion.audio; sys.exit('tensorflow' in sys.modules)"
        self.assertEqual(subprocess.run([sys.executable, "-c", code], check=False).returncode, 0)


class BadAudioTest(tf.test.TestCase):
    def _assert_error(self, contents, pattern):
        for decoder in ("auto", "soundfile"):
            with self.assertRaisesRegex(audio.AudioError, pattern) as caught:
                audio.decode_audio(contents, decoder=decoder)
            self.assertNotIn("\n", str(caught.exception))

    def test_truncated(self):
        samples = _tone(24000, 16000)
        for container, subtype in (("WAV", "PCM_16"), ("FLAC", "PCM_16"), *_LOSSY):
            contents = _encode(samples, 16000, container, subtype)
            for num_bytes in (20, len(contents) // 2, len(contents) - 400):
                with self.subTest(container=container, num_bytes=num_bytes):
                    self._assert_error(contents[:num_bytes], "truncated|not readable")

    def test_samples_that_are_none(self):
        for value in (np.nan, np.inf):
            samples = np.array([0.0, value, 0.0], np.float32)
            self._assert_error(_encode(samples, 16000, "WAV", "FLOAT"), "NaN or infinite")
        self._assert_error(_encode(np.zeros((0, 1)), 16000, "WAV", "PCM_16"), "no samples")
        integers = np.array([0.0, 12000.0], np.float32)
        self._assert_error(_encode(integers, 16000, "WAV", "FLOAT"), "samples reach 12000")

    def test_headers_that_promise_too_much(self):
        wav = bytearray(_encode(_tone(500, 16000), 16000, "WAV", "PCM_16"))
        struct.pack_into("<I", wav, 24, 2_000_000_000)
        self._assert_error(bytes(wav), "header says 2000000000 Hz")
        mp3 = bytearray(_encode(_tone(9000, 16000), 16000, "MP3", "MPEG_LAYER_III"))
        index = mp3.find(b"Xing") + 8
        mp3[index : index + 4] = b"\x70\x00\x00\x00"
        self._assert_error(bytes(mp3), "damaged: header promises")

    def test_damage_anywhere_is_an_error_or_audio(self):
        rng = np.random.default_rng(0)
        samples = _tone(6000, 16000)
        for container, subtype in (("WAV", "PCM_16"), ("FLAC", "PCM_16"), *_LOSSY):
            original = _encode(samples, 16000, container, subtype)
            for _ in range(40):
                contents = bytearray(original)
                for place in rng.integers(0, (64, len(contents)), size=(2, 2)).flat:
                    contents[place] = rng.integers(256)
                try:
                    decoded = audio.decode_audio(bytes(contents))
                except audio.AudioError as error:
                    self.assertNotIn("\n", str(error))
                else:
                    self.assertAllInRange(decoded, -1.0, 1.0)


class FilesTest(tf.test.TestCase):
    def test_content_not_name_tells_the_format(self):
        path = pathlib.Path(self.get_temp_dir(), "flac.wav")
        samples = _tone(100, 16000)
        path.write_bytes(_encode(samples, 16000, "FLAC", "PCM_24"))
        self.assertAllClose(audio.read_audio(path), samples[:, 0], atol=1e-6)

    def test_errors_name_the_file(self):
        folder = pathlib.Path(self.get_temp_dir())
        text, empty, missing = folder / "text.wav", folder / "empty.flac", folder / "missing.mp3"
        text.write_text("this is no audio\n" * 20, encoding="utf-8")
        empty.write_bytes(b"")
        for path, reason in {
            text: "not readable as audio",
            empty: "empty",
            missing: "No such file",
            folder: "Is a directory",
        }.items():
            with self.assertRaisesRegex(audio.AudioError, reason) as caught:
                audio.read_audio(path)
            self.assertStartsWith(str(caught.exception), f"{path}: ")
            self.assertNotIn("\n", str(caught.exception))

    def test_written_is_read(self):
        path = pathlib.Path(self.get_temp_dir(), "out.wav")
        pcm = np.array([0, 1, -1, 12345, 32767, -32768])
        audio.write_wav(path, pcm / 2**15)
        stored, rate_hz = soundfile.read(path, dtype="int16")
        self.assertEqual((rate_hz, soundfile.info(path).subtype), (16000, "PCM_16"))
        self.assertAllEqual(stored, pcm)
        self.assertAllEqual(audio.read_audio(path), (pcm / 2**15).astype(np.float32))

    def test_writing_clips(self):
        path = pathlib.Path(self.get_temp_dir(), "out.wav")
        audio.write_wav(path, np.array([1.0, 1.5, -1.5, 40.0]))
        stored, _ = soundfile.read(path, dtype="int16")
        self.assertAllEqual(stored, [32767, 32767, -32768, 32767])

    def test_what_cannot_be_written(self):
        path = pathlib.Path(self.get_temp_dir(), "out.wav")
        with self.assertRaisesRegex(ValueError, "expected .samples."):
            audio.write_wav(path, np.zeros((2, 10)))
        with self.assertRaisesRegex(ValueError, "NaN"):
            audio.write_wav(path, np.array([0.0, np.nan]))


if __name__ == "__main__":
    tf.test.main()
