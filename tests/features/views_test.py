"""The views of a tap are what the network gives on patches that overlap."""

import keras
import numpy as np
import tensorflow as tf

from vggish_inversion import features
from vggish_inversion.features import views
from vggish_inversion.targets import loading

_PARAMS = features.LogMelParams()


class ViewsTest(tf.test.TestCase):
    def test_where_they_lie(self):
        for num_views, hop, context in ((1, 96, 0), (3, 48, 48), (9, 12, 48), (17, 6, 48)):
            these = views.Views(num_views, 96)
            self.assertEqual((these.hop_frames, these.context_frames), (hop, context), num_views)

    def test_half_a_patch_on_each_side_whatever_its_length(self):
        for patch_frames in (*range(2, 40), 50, 94, 96, 101):
            for num_views in range(3, views.Views.most(patch_frames) + 1, 2):
                these = views.Views(num_views, patch_frames)
                half = patch_frames // 2
                self.assertEqual(these.context_frames, half)
                even = np.linspace(0, 2 * half, num_views)
                self.assertLess(np.abs(np.array(these.starts) - even).max(), 0.5 + 1e-9)
                self.assertLen(set(these.starts), num_views)
                self.assertEqual(these.starts[num_views // 2], half)
        self.assertEqual(views.Views(17, 16).starts, tuple(range(17)))
        self.assertEqual(views.Views(17, 96).starts, tuple(range(0, 97, 6)))

    def test_refused_numbers(self):
        for number in (0, 2, -1, 98, 99):
            with self.assertRaisesRegex(ValueError, f"{number} views .* an odd number up to 97"):
                views.Views(number, 96)

    def test_each_view_is_the_network_on_its_patch(self):
        target = loading.load_target("small_encoder/speech_commands", weights="untrained")
        to_tap, these = target.up_to("layer_3"), views.Views(5, 96)
        windows = np.random.default_rng(0).normal(size=(2, 192, 64)).astype(np.float32)
        seen = views.overlapping(to_tap, these, target.source)(windows)
        self.assertEqual(seen.shape, (2, 5, 6, 4, 64))
        for number in range(5):
            patch = windows[:, 24 * number : 24 * number + 96]
            self.assertAllClose(seen[:, number], to_tap(patch), atol=1e-5)
        self.assertIs(views.overlapping(to_tap, views.Views(1, 96), target.source), to_tap)
        # several taps at once
        both = keras.Model(target.model.input, {"a": to_tap(target.model.input)})
        self.assertAllClose(views.overlapping(both, these, target.source)(windows)["a"], seen)
        # at uneven distances
        patches = keras.Input((95, 1))
        doubled = keras.Model(patches, keras.layers.Rescaling(2.0)(patches))
        signal = windows[:, :189, :1]
        of_95 = features.LogMelParams(patch_frames=95, num_bands=1)
        seen = views.overlapping(doubled, views.Views(5, 95), of_95)(signal) / 2.0
        self.assertAllEqual(seen, np.stack([signal[:, i : i + 95] for i in (0, 24, 47, 71, 94)], 1))

    def test_what_an_inverter_takes(self):
        tap, patch = (6, 4, 64), keras.layers.Flatten()

        def takes(*shape):
            embedding = keras.Input(shape)
            return views.Views.taken_by(keras.Model(embedding, patch(embedding)), tap, _PARAMS)

        self.assertEqual(takes(*tap).num_views, 1)
        self.assertEqual(takes(9, *tap).num_views, 9)
        for shape in ((6, 4, 32), (4, *tap), (None, *tap), (128,)):
            with self.subTest(shape), self.assertRaises(ValueError):
                takes(*shape)


if __name__ == "__main__":
    tf.test.main()
