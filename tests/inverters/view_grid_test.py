"""Every row of every view lies in the cell of its frames."""

import keras
import numpy as np
import tensorflow as tf

from vggish_inversion import features
from vggish_inversion.features import views
from vggish_inversion.inverters import network, view_grid

_PARAMS = features.LogMelParams()


class ViewGridTest(tf.test.TestCase):
    def test_cells_hold_the_rows_that_begin_in_them(self):
        for tap_frames, num_views, cell_frames in ((6, 9, 4), (6, 17, 2), (12, 5, 8), (3, 17, 2)):
            with self.subTest((tap_frames, num_views)):
                these = views.Views(num_views, 96)
                self.assertEqual(view_grid.frames_per_cell(tap_frames, these), cell_frames)
                rows = view_grid.rows_of_cells(tap_frames, these)
                self.assertLen(rows, 192 // cell_frames)
                none = num_views * tap_frames
                for cell, places in enumerate(rows):
                    for index in places[places < none]:
                        view, row = divmod(index, tap_frames)
                        first = view * these.hop_frames + row * 96 // tap_frames
                        self.assertEqual(first, cell * cell_frames)
                found = rows[rows < none]
                self.assertLen(set(found), len(found))

    def test_a_vector_stands_for_the_middle_of_its_patch(self):
        rows = view_grid.rows_of_cells(1, views.Views(17, 96))
        self.assertEqual(rows.shape, (32, 1))
        self.assertAllEqual(rows[8:25, 0], np.arange(17))
        self.assertAllEqual(np.delete(rows[:, 0], np.arange(8, 25)), np.full(15, 17))

    def test_patches_that_views_do_not_divide(self):
        for tap_frames, num_views, patch_frames in (
            (3, 17, 30),
            (4, 17, 16),
            (7, 17, 50),
            (1, 5, 31),
            (5, 11, 96),
        ):
            with self.subTest((tap_frames, num_views, patch_frames)):
                these = views.Views(num_views, patch_frames)
                cell_frames = view_grid.frames_per_cell(tap_frames, these)
                self.assertEqual(these.context_frames % cell_frames, 0)
                rows = view_grid.rows_of_cells(tap_frames, these)
                none = num_views * tap_frames
                for cell, places in enumerate(rows):
                    for index in places[places < none]:
                        view, row = divmod(index, tap_frames)
                        middle = patch_frames // 2 if tap_frames == 1 else 0
                        first = these.starts[view] + row * patch_frames / tap_frames + middle
                        self.assertBetween(first - cell * cell_frames, 0, cell_frames - 1e-6)
                params = features.LogMelParams(patch_frames=patch_frames)
                shape = (tap_frames, 8) if tap_frames > 1 else (8,)
                inverter = network.build_inverter(
                    shape, params=params, preset="large", num_views=num_views
                )
                self.assertEqual(inverter.output_shape, (None, patch_frames, 64))

    def test_large_takes_as_many_views_as_a_patch_has_places(self):
        for patch_frames, expected in ((96, 17), (30, 17), (16, 17), (15, 15), (6, 7)):
            params = features.LogMelParams(patch_frames=patch_frames)
            self.assertEqual(network.default_num_views("large", (8,), params), expected)
            network.build_inverter((8,), params=params, preset="large", num_views=expected)

    def test_a_tap_that_does_not_divide_the_patch(self):
        these = views.Views(9, 96)
        self.assertEqual(view_grid.frames_per_cell(7, these), 12)
        rows = view_grid.rows_of_cells(7, these)
        self.assertEqual(rows.shape, (16, 2))
        self.assertLessEqual(rows.max(), 9 * 7)

    def test_values_on_the_grid(self):
        these = views.Views(9, 96)
        rows = view_grid.rows_of_cells(6, these)
        embedding = np.random.default_rng(0).normal(size=(2, 9, 6, 4, 3)).astype(np.float32)
        x, frames, halvings = view_grid.on_grid(keras.ops.array(embedding), _PARAMS, these)
        self.assertEqual((frames, halvings), (4, 4))
        self.assertEqual(x.shape, (2, 48, 4, 6))
        padded = np.concatenate([embedding.reshape(2, 54, 4, 3), np.zeros((2, 1, 4, 3))], axis=1)
        self.assertAllClose(x[:, :, :, :3], padded[:, rows[:, 0]])
        self.assertAllClose(x[:, :, :, 3:], padded[:, rows[:, 1]])
        self.assertAllEqual(view_grid.without_context(x, these, frames), x[:, 12:36])

    def test_other_shapes(self):
        these = views.Views(5, 96)
        for shape, expected in (
            ((128,), (8, 1, 128)),
            ((6, 8), (24, 1, 16)),
            ((6, 5, 8), (24, 8, 16)),
        ):
            with self.subTest(shape):
                x, _, _ = view_grid.on_grid(keras.Input((5, *shape)), _PARAMS, these)
                self.assertEqual(x.shape[1:], expected)


if __name__ == "__main__":
    tf.test.main()
