"""Every vocoder keeps the promises of `Vocoder`, trained or not."""

import functools
import re

import ml_dtypes
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from tests import speech
from vggish_inversion import features, vocoders
from vggish_inversion.files import hub
from vggish_inversion.vocoders import griffin_lim, melgan, neural, vocos

_PARAMS = features.LogMelParams()


# Shared, for tracing a graph takes longer than most tests.
@functools.cache
def _vocoder(name: str):
    """A small one of each kind; "shipped" is the one in the model store."""
    return {
        "griffin_lim": lambda: griffin_lim.GriffinLim(_PARAMS, num_iterations=8),
        "vocos": lambda: neural.NeuralVocoder(
            vocos.build_generator(_PARAMS, width=16, num_blocks=2), _PARAMS
        ),
        "melgan": lambda: neural.NeuralVocoder(melgan.build_generator(_PARAMS, width=16), _PARAMS),
        "shipped": lambda: vocoders.load_vocoder("vocos", _PARAMS),
    }[name]()


@functools.cache
def _log_mel() -> np.ndarray:
    return features.waveform_to_log_mel(speech.read_clip()[:32000], _PARAMS).numpy()


_EVERY = parameterized.named_parameters(*((name, name) for name in [*vocoders.VOCODERS, "shipped"]))


class ConformanceTest(tf.test.TestCase, parameterized.TestCase):
    @_EVERY
    def test_a_frame_is_a_hop_of_samples(self, name):
        for num_frames in (1, 2, 97, 3_000):
            log_mel = np.resize(_log_mel(), (1, num_frames, 64))
            waveform = _vocoder(name)(log_mel).numpy()
            self.assertEqual(waveform.shape, (1, num_frames * 160))
            self.assertEqual(waveform.dtype, np.float32)
            self.assertTrue(np.isfinite(waveform).all())
            self.assertAllInRange(waveform, -1.0, 1.0)

    @_EVERY
    def test_half_precision_is_as_good(self, name):
        for dtype in (np.float16, ml_dtypes.bfloat16):
            rounded = _log_mel()[np.newaxis, :30].astype(dtype)
            self.assertAllEqual(_vocoder(name)(rounded), _vocoder(name)(rounded.astype(np.float32)))

    @_EVERY
    def test_extreme_log_mel_stays_in_range(self, name):
        for value in (7.0, 100.0, 3e38, np.inf):
            waveform = _vocoder(name)(tf.fill([1, 30, 64], value)).numpy()
            self.assertTrue(np.isfinite(waveform).all())
            self.assertAllInRange(waveform, -1.0, 1.0)
        for value in (-100.0, -np.inf):
            self.assertAllEqual(
                _vocoder(name)(tf.fill([1, 9, 64], value)),
                _vocoder(name)(tf.fill([1, 9, 64], _PARAMS.log_floor)),
            )

    @_EVERY
    def test_neighbours_in_the_batch_do_not_matter(self, name):
        log_mel = _log_mel()
        other = np.random.default_rng(0).normal(size=log_mel.shape)
        single = _vocoder(name)(log_mel[np.newaxis])[0]
        self.assertAllClose(single, _vocoder(name)(np.stack([other, log_mel]))[1], atol=1e-4)

    @_EVERY
    def test_unusable_log_mel_is_refused(self, name):
        vocoder = _vocoder(name)
        for shape in ((1, 5, 63), (1, 0, 64), (5, 64)):
            message = f"must be [batch, frames, 64] with at least one frame, got {shape}"
            with self.assertRaisesRegex(ValueError, re.escape(message)):
                vocoder(np.zeros(shape))
            with self.assertRaisesRegex(ValueError, re.escape(message)):
                tf.function(vocoder)(np.zeros(shape))
        with self.assertRaisesRegex(ValueError, "log_mel holds NaN"):
            vocoder(np.full((1, 5, 64), np.nan))
        for log_mel in (np.full((1, 5, 64), np.nan), np.zeros((1, 0, 64))):
            with self.assertRaisesRegex(tf.errors.InvalidArgumentError, "no NaN and at least"):
                vocoder.vocode(log_mel)

    @_EVERY
    def test_saved_model_sounds_the_same(self, name):
        log_mel = _log_mel()[np.newaxis]
        folder = self.get_temp_dir()
        tf.saved_model.save(_vocoder(name), folder)
        loaded = tf.saved_model.load(folder)
        self.assertAllClose(loaded.vocode(log_mel), _vocoder(name)(log_mel), atol=1e-6)

    @parameterized.parameters("griffin_lim", "shipped")
    def test_silence_stays_silent(self, name):
        silence = tf.fill([1, 97, 64], _PARAMS.log_floor)
        self.assertAllInRange(_vocoder(name)(silence), -1e-3, 1e-3)  # -60 dB


class LoadVocoderTest(tf.test.TestCase):
    def test_loads_by_name(self):
        self.assertIsInstance(vocoders.load_vocoder("griffin_lim", _PARAMS), griffin_lim.GriffinLim)
        self.assertIsInstance(vocoders.load_vocoder("vocos", _PARAMS), neural.NeuralVocoder)

    def test_loads_a_folder(self):
        folder = hub.find_model("vocoder/vocos")
        self.assertAllEqual(
            vocoders.load_vocoder(str(folder), _PARAMS)(_log_mel()[np.newaxis]),
            _vocoder("shipped")(_log_mel()[np.newaxis]),
        )

    def test_an_unknown_name_lists_the_names(self):
        message = "no vocoder 'wavenet'; vocoders are: griffin_lim melgan vocos, or the folder"
        with self.assertRaisesRegex(ValueError, message):
            vocoders.load_vocoder("wavenet", _PARAMS)

    def test_no_weights(self):
        message = "no trained weights of the vocoder melgan in .*--vocoder=RUN_FOLDER, or use --voc"
        with self.assertRaisesRegex(hub.WeightsError, message):
            vocoders.load_vocoder("melgan", _PARAMS)
        with self.assertRaisesRegex(hub.WeightsError, "no trained vocoder in .*vocoder.keras and"):
            vocoders.load_vocoder(self.get_temp_dir(), _PARAMS)

    def test_another_front_end(self):
        with self.assertRaisesRegex(ValueError, "trained on the log-mel .*log_offset=0.01.* not "):
            vocoders.load_vocoder("vocos", features.LogMelParams(log_offset=0.001))
        # Patches are cut from a log-mel, and do not change it.
        vocoders.load_vocoder("vocos", features.LogMelParams(patch_hop_frames=48))
