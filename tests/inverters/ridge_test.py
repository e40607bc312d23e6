"""Ridge inverters against scikit-learn, and what they are made of against each other."""

import keras
import numpy as np
import pytest
from sklearn import linear_model, preprocessing

from tests import networks, speech
from vggish_inversion import features, reconstruction
from vggish_inversion.data import corpora, log_mel_cache
from vggish_inversion.files import hub
from vggish_inversion.inverters import ridge, ridge_run, run, training
from vggish_inversion.inverters.config import TrainConfig
from vggish_inversion.targets.encoder import TargetEncoder

_PARAMS = features.LogMelParams()
_SHAPES = [(96, 64, 4), (48, 32, 2), (47, 5), (6, 4, 8), (128,), (1, 1, 7), (300, 3), (1555, 2)]


@pytest.mark.parametrize("count", [40, 400], ids=["dual", "primal"])
def test_it_is_scikit_learns(count):
    rng = np.random.default_rng(0)
    seen = rng.normal(2, 3, (count, 90)).astype(np.float32)
    seen[:, 5] = 1.5  # a value that never changes
    told = seen @ rng.normal(0, 0.1, (90, 7)).astype(np.float32) + 0.3
    scaled = preprocessing.StandardScaler().fit(seen)
    for solution in ridge.solve(seen, told, [1e-2, 1.0]):
        theirs = linear_model.Ridge(alpha=solution.penalty * count)
        theirs.fit(scaled.transform(seen).astype(np.float64), told)
        expected = theirs.predict(scaled.transform(seen))
        np.testing.assert_allclose(solution.predict(seen), expected, atol=2e-3)


@pytest.mark.parametrize("shape", _SHAPES)
def test_cells_tell_every_frame_of_a_patch(shape):
    cells = ridge.Cells.of(shape, _PARAMS)
    patches = np.random.default_rng(0).uniform(-1, 1, (2, 96, 64)).astype(np.float32)
    np.testing.assert_array_equal(cells.join(cells.told(patches), 64), patches)
    num_rows = ridge.row_shape(shape)[0]
    assert {row for rows in cells.rows for row in rows} >= set(range(num_rows))


@pytest.mark.parametrize("shape", [*_SHAPES, (70_000,)])
def test_the_model_gives_what_was_solved_and_survives_saving(shape, tmp_path):
    rng = np.random.default_rng(1)
    activations = rng.normal(0, 1, (4, *shape)).astype(np.float32)
    patches = rng.uniform(-1, 1, (4, 96, 64)).astype(np.float32)
    cells, reader = ridge.Cells.of(shape, _PARAMS), ridge.build_reader(shape, _PARAMS)
    seen = np.asarray(reader(activations))
    assert seen.shape[-1] <= 8192
    rows = seen.reshape(-1, seen.shape[-1]), cells.told(patches).reshape(seen[..., 0].size, -1)
    [solution] = ridge.solve(*rows, [0.1])
    expected = cells.join(solution.predict(seen), 64)
    model = ridge.build_inverter(shape, _PARAMS, solution)
    assert model.output_shape == (None, 96, 64)
    np.testing.assert_allclose(model(activations), expected, atol=1e-4)
    model.save(tmp_path / "inverter.keras")
    again = hub.read_keras_model(tmp_path / "inverter.keras")
    np.testing.assert_array_equal(model(activations), again(activations))


def test_a_network_that_keeps_all_is_inverted_in_one_pass(tmp_path):
    """A tap that halves time and keeps every value loses nothing, and a line finds the way back."""
    inputs = keras.Input((96, 64), name="log_mel")
    mix = keras.initializers.Orthogonal(seed=0)
    x = keras.layers.Reshape((48, 128), name="pairs")(inputs)
    x = keras.layers.Dense(128, kernel_initializer=mix, name="kept")(x)
    model = keras.Model(inputs, keras.layers.Dense(8, name="lost")(x))
    target = TargetEncoder.from_keras(model, taps=["kept", "lost"], front_end=_PARAMS)
    utterances = corpora.read_corpus(speech.DEMO_SPEECH)
    train, validation = (
        log_mel_cache.cache_log_mel(some, target.source, tmp_path / "cache")
        for some in (utterances[:6], utterances[6:])
    )
    folders_of = {tap.name: tmp_path / tap.name for tap in target.taps}

    def fit():
        ridge_run.fit_inverters(
            target,
            target.taps,
            train=train,
            validation=validation,
            folders_of=folders_of,
            settings={},
        )

    fit()
    runs = {name: run.read_run(folder) for name, folder in folders_of.items()}
    held_out = np.asarray(training.held_out_patches(validation, TrainConfig(minutes=1)))
    for name, one in runs.items():
        assert (one.preset, one.loss) == ("ridge", "l2")
        inverted = np.asarray(one.load_model()(target.up_to(name)(held_out)))
        l1 = 10 * float(np.mean(np.abs(inverted - held_out / 10)))
        assert one.held_out_nats == pytest.approx(l1, rel=1e-3)
    assert runs["kept"].held_out_nats < 0.05 < 0.2 < runs["lost"].held_out_nats
    named = {name: (name, one.load_model()) for name, one in runs.items()}
    reconstructor = reconstruction.Reconstructor(target, named, lambda log_mel: log_mel)
    assert reconstructor is not None
    before = runs["kept"].sha256
    fit()
    assert run.read_run(folders_of["kept"]).sha256 == before
    train = validation  # other recordings: fitted anew
    fit()
    assert run.read_run(folders_of["kept"]).sha256 != before


def test_a_network_on_waveforms(tmp_path):
    target = TargetEncoder.from_keras(
        networks.waveform_cnn(samples=15600), front_end=features.Waveform(patch_samples=15600)
    )
    cache = log_mel_cache.cache_log_mel(
        corpora.read_corpus(speech.DEMO_SPEECH)[:3], target.source, tmp_path / "cache"
    )
    tap = target.tap("conv")
    ridge_run.fit_inverters(
        target,
        [tap],
        train=cache,
        validation=cache,
        folders_of={"conv": tmp_path / "conv"},
        settings={},
    )
    silence = float(
        np.mean(np.abs(np.asarray(cache.grid_patches()[1]).mean() - cache.grid_patches()[1]))
    )
    assert run.read_run(tmp_path / "conv").held_out_nats < 0.5 * silence
