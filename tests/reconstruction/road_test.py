"""What is computed some at a time is what is computed at once, in memory that does not grow."""

import dataclasses
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from vggish_inversion import features
from vggish_inversion.reconstruction import road
from vggish_inversion.targets import encoder
from vggish_inversion.targets.taps import Tap

_PARAMS = features.LogMelParams()

_PEAK_MB = """
import resource, sys
import numpy as np
from vggish_inversion import reconstruction
from vggish_inversion.inverters import run
from vggish_inversion.files import hub
from vggish_inversion.vocoders import griffin_lim

trained = run.read_run(hub.find_model("inverter/small_encoder/speech_commands/layer_0/paper-l1"))
target = trained.load_target()
reconstructor = reconstruction.Reconstructor(
    target,
    {"it": ("layer_0", trained.load_model())},
    griffin_lim.GriffinLim(target.log_mel, num_iterations=1),
)
waveform = np.random.default_rng(0).normal(0.0, 0.1, 60 * 16000).astype(np.float32)
for minutes in (2, 8):
    made = reconstructor(np.tile(waveform, minutes), names=["it"])["it"]
    assert len(made.waveform) == minutes * 60 * 16000
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


class RoadTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        patches = keras.Input((96, 64))
        same = keras.layers.Rescaling(1.0, name="same")(patches)
        cls.target = encoder.TargetEncoder(
            "transparent",
            keras.Model(patches, {"same": same}),
            (Tap("same", (96, 64), "linear"),),
            front_end=_PARAMS,
        )
        cls.inverters = {}
        for name, gain in (("exact", 0.1), ("half", 0.05)):
            embedding = keras.Input((96, 64))
            model = keras.Model(embedding, keras.layers.Rescaling(gain)(embedding))
            cls.inverters[name] = ("same", model)
        cls.road = road.Road(cls.target, cls.inverters)
        # More than two of its chunks of patches, and of frames.
        samples = 70 * 16000 + 77
        cls.waveform = np.random.default_rng(1).normal(0.0, 0.1, samples).astype(np.float32)
        cls.log_mel = features.waveform_to_log_mel(cls.waveform, _PARAMS).numpy()

    def test_log_mel(self):
        made = tf.function(self.road.log_mel)(self.waveform)
        self.assertAllClose(made, self.log_mel, rtol=0, atol=1e-5)
        self.assertEqual(self.road.log_mel(self.waveform[:399]).shape, (0, 64))
        for samples in (0, 399, 400, 559, 560, 16000):
            self.assertEqual(self.road.num_frames(samples), _PARAMS.num_frames(samples))

    def test_inverters_in_order(self):
        made = tf.function(self.road.invert)(self.log_mel)
        self.assertEqual(set(made), {"exact", "half"})
        self.assertAllClose(made["exact"], self.log_mel, atol=1e-4)
        self.assertAllClose(made["half"], self.log_mel / 2, atol=1e-4)

    def test_an_embedding_and_back(self):
        embedding = tf.function(lambda log_mel: self.road.embed(log_mel, "exact"))(self.log_mel)
        starts = self.road.starts(len(self.log_mel))
        self.assertAllEqual(embedding, features.log_mel_to_patches(self.log_mel, starts, _PARAMS))
        made = self.road.invert_embedding(embedding, starts, "exact")
        self.assertAllClose(made, self.log_mel, atol=1e-4)

    def test_an_inverter_of_several_views_beside_others(self):
        views = keras.Input((5, 96, 64))
        taken = {
            # the middle one of five views is the patch; the second begins 24 frames before it
            "middle": keras.Model(views, keras.layers.Rescaling(0.1)(views[:, 2])),
            "before": keras.Model(views, keras.layers.Rescaling(0.1)(views[:, 1])),
            "exact": self.inverters["exact"][1],
        }
        mixed = road.Road(self.target, {name: ("same", model) for name, model in taken.items()})
        made = tf.function(mixed.invert)(self.log_mel)
        self.assertEqual(list(made), ["middle", "before", "exact"])
        self.assertAllClose(made["middle"], self.log_mel, atol=1e-4)
        self.assertAllClose(made["exact"], self.log_mel, atol=1e-4)
        # the last patch cross-fades with the one before it: both give the same frames
        earlier = np.concatenate([np.repeat(self.log_mel[:1], 24, 0), self.log_mel[:-24]])
        self.assertAllClose(made["before"], earlier, atol=1e-4)
        self.assertEqual(mixed.embedding_shape("before"), (5, 96, 64))
        embedding = mixed.embed(self.log_mel, "before")
        again = mixed.invert_embedding(embedding, mixed.starts(len(self.log_mel)), "before")
        self.assertAllClose(again, made["before"], atol=1e-4)

    def test_an_inverter_of_another_tap_is_refused(self):
        other = keras.Input((48, 32))
        with self.assertRaisesRegex(ValueError, r"\(48, 32\) cannot invert a tap of \(96, 64\)"):
            road.Road(self.target, {"it": ("same", keras.Model(other, keras.layers.ReLU()(other)))})

    def test_no_inverters(self):
        self.assertEqual(road.Road(self.target, {}).invert(self.log_mel), {})

    def test_what_a_frame_says_is_put_where_the_frame_is(self):
        for window, hop in ((0.025, 0.010), (0.032, 0.008), (0.020, 0.020)):
            params = dataclasses.replace(_PARAMS, window_seconds=window, hop_seconds=hop)
            target = encoder.TargetEncoder(
                "transparent", self.target.model, self.target.taps, front_end=params
            )
            num_samples = 20000
            frames = params.num_frames(num_samples)
            # One click, in the middle of what a vocoder gives for frame 50.
            vocoded = np.zeros((1, frames * params.hop_samples), np.float32)
            vocoded[0, 50 * params.hop_samples + params.hop_samples // 2] = 1.0
            placed = road.Road(target, {}).align(vocoded, num_samples).numpy()
            self.assertEqual(placed.shape, (1, num_samples))
            (place,) = np.flatnonzero(placed[0])
            # Frame 50 itself begins at 50 hops, and its window has its middle there.
            self.assertLessEqual(
                abs(place - (50 * params.hop_samples + params.window_samples / 2)), 1
            )
            loudness = features.waveform_to_log_mel(placed[0], params).numpy().mean(axis=-1)
            self.assertEqual(np.argmax(loudness), 50)

    def test_chunks_are_no_larger_than_asked(self):
        sizes = []

        def compute(first, last):
            sizes.append(int(last - first))
            return tf.range(first, last, dtype=tf.float32)[:, tf.newaxis]

        made = road.concat_chunks(compute, tf.constant(7), 3, [1])
        self.assertAllEqual(made[:, 0], np.arange(7))
        self.assertEqual(sizes, [3, 3, 1])

    @pytest.mark.slow  # by default, the size of its chunks is tested
    def test_memory_hardly_grows(self):
        done = subprocess.run(
            [sys.executable, "-c", _PEAK_MB], capture_output=True, text=True, check=False
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        short, long = map(float, done.stdout.split())
        # Six minutes are 23 MB of samples and 9 of log-mel; of spectra they would be 600.
        self.assertLess(long - short, 250)


if __name__ == "__main__":
    tf.test.main()
