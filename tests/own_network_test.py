"""A network of your own, with a front end of its own, through every script; and odd names."""

import csv
import json
import pathlib
import tempfile

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import script_runner, speech
from vggish_inversion import audio, features
from vggish_inversion.data import corpora, log_mel_cache
from vggish_inversion.inverters import monitoring
from vggish_inversion.vocoders import load_vocoder

layers = keras.layers

_LAYER = "块" * 80  # 240 bytes, of which a folder's name may have 255
_SETTINGS = {
    "num_bands": 80,
    "log_offset": 0.001,
    "window_seconds": 0.032,
    "hop_seconds": 0.008,
    "low_hz": 60.0,
    "high_hz": 7600.0,
    "axes": "bands,frames",
}
_PARAMS = features.LogMelParams(
    **{name: value for name, value in _SETTINGS.items() if name != "axes"},
    patch_frames=60,
    patch_hop_frames=60,
)
_TENSORBOARD = "tensorboard/examples"


def _network() -> keras.Model:
    inputs = keras.Input((80, 60, 1))
    x = layers.Conv2D(8, 3, 2, padding="same", activation="relu", name="block 1")(inputs)
    x = layers.Conv2D(8, 3, padding="same", activation="relu", name=_LAYER)(x)
    return keras.Model(inputs, layers.GlobalAveragePooling2D(name="mean:1")(x), name="my net")


def _log_mel_l1(waveform, of, params) -> float:
    """Mean difference of the log-mel of two sounds, in a target's own front end, in nats."""
    made, true = (features.waveform_to_log_mel(sound, params).numpy() for sound in (waveform, of))
    num_frames = min(len(made), len(true))
    return float(np.abs(made[:num_frames] - true[:num_frames]).mean())


def _read_table(path: pathlib.Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class OwnNetworkTest(tf.test.TestCase):
    @pytest.mark.slow
    def test_every_script(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        target = folder / "net.keras"
        _network().save(target)
        (folder / "net.json").write_text(json.dumps(_SETTINGS))
        clip, runs, results = speech.CLIPS[0], folder / "runs", folder / "results"
        of_target = f"--target={target}"
        training = ["--split=all", "--epochs=1", "--batch_size=4"]
        commands = [
            ("scripts/list_taps.py", [of_target]),
            (
                "scripts/prepare_dataset.py",
                [of_target, f"--data_dir={speech.DEMO_SPEECH}", "--split=all"]
                + [f"--output_dir={folder / 'shards'}"],
            ),
            (
                "scripts/train_inverter.py",
                [of_target, "--layer=block 1", f"--data_dir={folder / 'shards'}", *training[1:]]
                + [f"--output_dir={folder / 'run'}"],
            ),
            (
                "scripts/train_all.py",
                [of_target, f"--layers={_LAYER}", f"--data_dir={speech.DEMO_SPEECH}", *training]
                + [f"--output_dir={runs}"],
            ),
            (
                "scripts/reconstruct.py",
                [f"--inverter={folder / 'run'}", f"--input={clip}"]
                + [f"--output_dir={folder / 'reconstructed'}"],
            ),
            (
                "scripts/evaluate.py",
                [of_target, f"--layers={_LAYER}", f"--inverters_dir={runs}", "--limit=1"]
                + [f"--data_dir={speech.DEMO_SPEECH}", "--split=all", f"--output_dir={results}"],
            ),
            ("scripts/make_report.py", [f"--results_dir={results}"]),
            (
                "scripts/export_saved_model.py",
                [f"--inverter={folder / 'run'}", f"--output_dir={folder / 'exported'}"],
            ),
        ]
        said = {}
        for script, flags in commands:
            done = script_runner.run(script, *flags)
            self.assertEqual(done.returncode, 0, f"{script}: {done.stderr[-2000:]}")
            said[script] = done.stdout

        for words in (
            "axes bands,frames stated",
            "num_bands 80 stated",
            "hop_seconds 0.008 stated",
        ):
            self.assertIn(
                words,
                [" ".join(line.split()) for line in said["scripts/list_taps.py"].splitlines()],
            )
        waveform = speech.read_clip()
        made = audio.read_audio(folder / "reconstructed" / f"{clip.stem}.wav")
        self.assertEqual(made.shape, waveform.shape)

        # what the vocoder makes of the true log-mel is judged by the target's own front end
        rows = {row["layer"]: row for row in _read_table(results / "results.csv")}
        self.assertEqual({row["status"] for row in rows.values()}, {"ok"})
        self.assertEqual(set(rows), {"natural", "true_log_mel", _LAYER})
        [path] = (results / "audio" / "true_log_mel").rglob("*.wav")
        natural = next((results / "audio" / "natural").rglob("*.wav"))
        vocoded = _log_mel_l1(audio.read_audio(path), audio.read_audio(natural), _PARAMS)
        self.assertLess(vocoded, 0.1)
        self.assertAllClose(float(rows["true_log_mel"]["log_mel_l1"]), vocoded, atol=0.03)
        self.assertIn(_LAYER, (results / "index.html").read_text(encoding="utf-8"))

        exported = tf.saved_model.load(str(folder / "exported"))
        sound = np.asarray(exported(waveform[: _PARAMS.patch_samples * 3]))
        self.assertGreater(np.abs(sound).max(), 0.0)
        self.assertNotEmpty(list((folder / "run" / _TENSORBOARD).iterdir()))

    def test_the_sound_in_tensorboard_is_of_the_targets_front_end(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        held_out = log_mel_cache.cache_log_mel(
            corpora.read_corpus(speech.DEMO_SPEECH)[:1], _PARAMS, folder / "cache"
        )
        inputs = keras.Input((60, 80))
        perfect = keras.Model(inputs, layers.Rescaling(0.1)(inputs))
        [_, examples] = monitoring.tensorboard_callbacks(
            folder, held_out, vocoder=load_vocoder("griffin_lim", _PARAMS)
        )
        examples.set_model(perfect)
        examples.set_params({"epochs": 1})
        examples.on_epoch_end(0)
        examples.on_train_end()
        sounds = []
        for path in (folder / _TENSORBOARD).iterdir():
            for record in tf.data.TFRecordDataset(str(path)):
                event = tf.compat.v1.Event.FromString(record.numpy())
                sounds += [v for v in event.summary.value if v.tag == "inverted"]
        [value] = sounds
        for encoded, patch in zip(
            value.tensor.string_val[::2], held_out.grid_patches(4), strict=False
        ):
            sound, rate = tf.audio.decode_wav(encoded)
            self.assertEqual(rate, 16000)
            # it lies where its frames are analysed, without what a window sees around a hop
            around = (_PARAMS.window_samples - _PARAMS.hop_samples) // 2
            made = features.waveform_to_log_mel(np.pad(sound[:, 0], around), _PARAMS)
            self.assertLen(made, 60)
            self.assertLess(np.abs(made - patch)[2:-2].mean(), 0.1)


if __name__ == "__main__":
    tf.test.main()
