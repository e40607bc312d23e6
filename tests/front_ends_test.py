"""Networks whose front end is not VGGish's go through every script, as their users run them."""

import csv
import json
import pathlib
import re
import subprocess
import tempfile
import wave
from typing import Any
from unittest import mock

import keras
import librosa
import numpy as np
import pytest
import tensorflow as tf

import vggish_inversion as vi
from tests import networks, script_runner, speech
from vggish_inversion import audio, features, reconstruction
from vggish_inversion.data import corpora
from vggish_inversion.evaluation import grid, rendering, stopwatch
from vggish_inversion.targets import encoder, loading
from vggish_inversion.vocoders import griffin_lim

# 80 bands of another rate, offset, hop and patch.
_SETTINGS = {
    "sample_rate_hz": 22050,
    "num_bands": 80,
    "patch_frames": 48,
    "low_hz": 50.0,
    "high_hz": 10000.0,
    "hop_seconds": 0.0125,
    "log_offset": 0.001,
}


class RateTest(tf.test.TestCase):
    """A target at 22.05 kHz, in this process."""

    def setUp(self):
        super().setUp()
        network = networks.small_cnn((48, 80))
        self.target = encoder.TargetEncoder.from_keras(network, log_mel=_SETTINGS)
        self.clip = speech.CLIPS[0]
        self.heard = audio.read_audio(self.clip, sample_rate_hz=22050)

    def test_a_tone_keeps_its_pitch(self):
        """What is read at 22.05 kHz comes out at 16 kHz as high and as long as it was."""
        vocoder = griffin_lim.GriffinLim(self.target.log_mel, num_iterations=8)
        reconstructor = reconstruction.Reconstructor(self.target, {}, vocoder)
        self.assertEqual(reconstructor.sample_rate_hz, 22050)
        tone = 0.3 * np.sin(2 * np.pi * 1000 * np.arange(2 * 22050) / 22050).astype(np.float32)
        made = reconstructor(tone)["true_log_mel"].waveform
        self.assertLen(made, 2 * 16000)
        spectrum = np.abs(np.fft.rfft(made[4000:20000] * np.hanning(16000)))
        self.assertAllClose(spectrum.argmax(), 1000, atol=40)

    def test_a_path_is_read_at_the_targets_rate(self):
        vocoder = griffin_lim.GriffinLim(self.target.log_mel, num_iterations=1)
        reconstructor = reconstruction.Reconstructor(self.target, {}, vocoder)
        of_path, of_samples = (reconstructor.log_mel(sound) for sound in (self.clip, self.heard))
        self.assertAllEqual(of_path, of_samples)

    def test_renderings_are_measured_at_the_targets_rate_and_heard_at_16_khz(self):
        utterance = corpora.Utterance("a", self.clip, "words", "someone")
        renderer = rendering.Renderer(
            self.target, [], grid.Grid(), folder=None, watch=stopwatch.Stopwatch()
        )
        wanted = {
            grid.Rendition(name, vocoder): mock.Mock()
            for name, vocoder in (("natural", ""), ("true_log_mel", "griffin_lim"))
        }
        natural, vocoded = renderer(utterance, wanted)
        self.assertAllEqual(natural.waveform, speech.read_clip())
        self.assertEqual(natural.scores["log_mel_l1"], 0.0)
        self.assertEqual(vocoded.waveform.shape, natural.waveform.shape)
        self.assertGreater(vocoded.scores["stoi"], 0.9)
        self.assertBetween(vocoded.scores["log_mel_l1"], 0.01, 0.2)


def _through_every_script(
    folder: pathlib.Path, target: pathlib.Path, layer: str
) -> dict[str, subprocess.CompletedProcess]:
    """What a user runs of a network, in the order of the road; all of it has to end well."""
    of_target, clip = f"--target={target}", speech.CLIPS[0]
    run_dir, results = folder / "run", folder / "results"
    data = f"--data_dir={speech.DEMO_SPEECH}"
    commands = {
        "list_taps": (of_target,),
        "train_inverter": (
            *(of_target, f"--layer={layer}", data, "--split=all", "--epochs=1", "--batch_size=16"),
            *(f"--output_dir={run_dir}", f"--cache_dir={folder / 'cache'}"),
        ),
        "reconstruct": (
            f"--inverter={run_dir}",
            f"--input={clip}",
            f"--output_dir={folder / 'made'}",
        ),
        "evaluate": (
            *(of_target, data, "--split=all", "--limit=1", f"--layers={layer}"),
            *(f"--inverters_dir={run_dir}", f"--output_dir={results}"),
        ),
        "make_report": (f"--results_dir={results}",),
    }
    done = {}
    for name, flags in commands.items():
        done[name] = script_runner.run(f"{name}.py", *flags)
        assert done[name].returncode == 0, f"{name}: {done[name].stderr[-2000:]}"
    with wave.open(str(folder / "made" / f"{clip.stem}.wav")) as wav:
        assert wav.getframerate() == 16000
        assert abs(wav.getnframes() - len(speech.read_clip())) <= 1
    with open(results / "summary.csv", newline="") as file:
        rows = {row["layer"]: row for row in csv.DictReader(file)}
    assert rows.keys() == {"natural", "true_log_mel", layer}
    assert float(rows["natural"]["log_mel_l1"]) == 0
    assert float(rows["true_log_mel"]["stoi"]) > 0.9
    assert 0.1 < float(rows[layer]["log_mel_l1"]) < 3
    assert (results / "index.html").is_file()
    return done


def test_a_waveform_saved_model_of_three_activations(tmp_path):
    """The paper's black box: a function of a waveform, as TF-Hub's models are."""
    kernel = tf.random.stateless_normal([400, 1, 24], (1, 2)) / 20.0

    class BlackBox(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
        def __call__(self, waveform):
            frames = tf.nn.conv1d(waveform[tf.newaxis, :, tf.newaxis], kernel, 160, "VALID")
            energies = tf.math.log(tf.square(frames[0]) + 1e-3)
            return {
                "energies": energies,
                "means": tf.reduce_mean(tf.reshape(energies[:90], [30, 3, 24]), axis=1),
                "embedding": tf.reduce_mean(energies, axis=0, keepdims=True),
            }

    box = BlackBox()
    tf.saved_model.save(box, str(tmp_path / "box"), signatures=None)
    target = loading.load_target(tmp_path / "box")
    shapes = {tap.name: tap.shape for tap in target.taps}
    assert shapes == {"embedding": (24,), "energies": (96, 24), "means": (30, 24)}
    assert isinstance(target.front_end, features.Waveform)
    assert target.log_mel == features.LogMelParams()  # 0.975 s: the patch of VGGish
    sound = np.random.default_rng(0).normal(0, 0.1, (2, 15600)).astype(np.float32)
    heard = target(sound).taps["energies"]
    np.testing.assert_allclose(heard[1], box(sound[1])["energies"], atol=1e-4)
    done = _through_every_script(tmp_path, tmp_path / "box", "energies")
    assert re.search("front_end +waveform", done["list_taps"].stdout)
    assert "VGGish's log-mel, 96 frames x 64 bands" in done["list_taps"].stdout


def test_a_crnn_of_a_librosa_user(tmp_path):
    """80 bands of Slaney's mel in decibels at 22.05 kHz, as librosa gives them, bands first."""
    keras.utils.set_random_seed(0)
    image = keras.Input((80, 87, 1))
    x = keras.layers.Rescaling(1 / 40.0, offset=1.0)(image)
    x = keras.layers.Conv2D(8, 3, (2, 1), "same", activation="relu", name="conv")(x)
    x = keras.layers.Permute((2, 1, 3))(x)
    x = keras.layers.Reshape((87, 320))(x)
    x = keras.layers.GRU(16, return_sequences=True, name="gru")(x)
    x = keras.layers.Dense(5, activation="softmax", name="classes")(
        keras.layers.GlobalAveragePooling1D()(x)
    )
    keras.Model(image, x, name="crnn").save(tmp_path / "crnn.keras")
    settings = {
        **{"axes": "bands,frames", "log": "db", "sample_rate_hz": 22050, "fft_length": 1024},
        **{"hop_samples": 256, "high_hz": 8000.0, "reference": "max", "top_db": 80.0},
        "patch_samples": 22050,
    }
    (tmp_path / "crnn.json").write_text(json.dumps(settings))
    target = loading.load_target(tmp_path / "crnn.keras")
    sound = audio.read_audio(speech.CLIPS[0], sample_rate_hz=22050)[:22050]
    mel = librosa.feature.melspectrogram(
        y=sound, sr=22050, n_fft=1024, hop_length=256, n_mels=80, fmax=8000.0
    )
    decibels = librosa.power_to_db(mel, ref=np.max)
    assert vi.check_front_end(target, sound, decibels).matches
    network: Any = keras.models.load_model(tmp_path / "crnn.keras")
    expected = network(decibels[np.newaxis, :, :, np.newaxis])
    logits = target(sound[np.newaxis]).heads["classes"]
    np.testing.assert_allclose(keras.ops.softmax(logits), expected, atol=1e-5)
    done = _through_every_script(tmp_path, tmp_path / "crnn.keras", "gru")
    for line in ("log_mel", "reference", "VGGish's log-mel, 98 frames x 64 bands"):
        assert line in done["list_taps"].stdout


def test_a_network_of_raw_waveforms(tmp_path):
    """Conv1D on samples at 8 kHz."""
    keras.utils.set_random_seed(0)
    network = keras.Sequential(
        [
            keras.Input((8000, 1)),
            keras.layers.Conv1D(16, 64, 16, "same", activation="relu", name="first"),
            keras.layers.Conv1D(16, 8, 4, "same", activation="relu", name="second"),
            keras.layers.GlobalAveragePooling1D(name="mean"),
            keras.layers.Dense(3, name="classes"),
        ],
        name="raw",
    )
    network.save(tmp_path / "raw.keras")
    (tmp_path / "raw.json").write_text(json.dumps({"sample_rate_hz": 8000}))
    target = loading.load_target(tmp_path / "raw.keras")
    sound = np.random.default_rng(0).normal(0, 0.1, (2, 8000)).astype(np.float32)
    np.testing.assert_allclose(
        target(sound).heads["classes"], network(sound[..., np.newaxis]), atol=1e-5
    )
    done = _through_every_script(tmp_path, tmp_path / "raw.keras", "second")
    assert "176" in done["list_taps"].stdout  # samples that a value of `second` sees


@pytest.mark.slow
class EveryScriptTest(tf.test.TestCase):
    """One target through all that a user runs, in the order of the road."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        path = cls.folder / "mine.keras"
        networks.small_cnn((48, 80)).save(path)
        (cls.folder / "mine.json").write_text(json.dumps(_SETTINGS))
        cls.run_dir, shards, results = (cls.folder / name for name in ("run", "shards", "results"))
        target, speech_dir = f"--target={path}", f"--data_dir={speech.DEMO_SPEECH}"
        train = (target, "--layer=pool", "--epochs=1", "--batch_size=4")
        of_run = f"--inverter={cls.run_dir}"
        cls.done = {
            "list_taps": (target,),
            "prepare_dataset": (target, speech_dir, f"--output_dir={shards}"),
            "train_inverter": (*train, f"--data_dir={shards}", f"--output_dir={cls.run_dir}"),
            "reconstruct": (
                of_run,
                f"--input={speech.CLIPS[0]}",
                f"--output_dir={cls.folder / 'wavs'}",
            ),
            "evaluate": (
                *(target, speech_dir, "--split=all", "--limit=1", "--layers=pool"),
                *(f"--inverters_dir={cls.run_dir}", f"--output_dir={results}"),
            ),
            "make_report": (f"--results_dir={results}",),
            "export_saved_model": (of_run, f"--output_dir={cls.folder / 'saved'}"),
            "export_tflite": (
                *(of_run, f"--output_dir={cls.folder / 'tflite'}"),
                *(speech_dir, "--precisions=float32"),
            ),
        }
        for name, flags in cls.done.items():
            done = script_runner.run(f"{name}.py", *flags)
            assert done.returncode == 0, f"{name}: {done.stderr[-2000:]}"

    def test_the_reconstruction_is_as_long_as_the_recording_at_16_khz(self):
        with wave.open(str(self.folder / "wavs" / f"{speech.CLIPS[0].stem}.wav")) as wav:
            self.assertEqual(wav.getframerate(), 16000)
            self.assertAllInRange([wav.getnframes() - len(speech.read_clip())], -1, 1)

    def test_sound_is_of_the_targets_own_front_end(self):
        """What is played after an epoch, and what is measured, is of 80 bands at 22 kHz."""
        with open(self.folder / "results" / "results.csv", newline="") as file:
            rows = {row["layer"]: row for row in csv.DictReader(file)}
        params = features.LogMelParams(**_SETTINGS, patch_hop_frames=48)
        heard = audio.read_audio(speech.CLIPS[0], sample_rate_hz=22050)
        log_mel = features.waveform_to_log_mel(heard, params).numpy()
        made = griffin_lim.GriffinLim(params)(log_mel[np.newaxis]).numpy()[0]
        before = (params.window_samples - params.hop_samples) // 2
        made = np.pad(made, (before, len(heard) - before - len(made)))
        again = features.waveform_to_log_mel(made, params).numpy()
        [clip] = {row["utterance"] for row in rows.values()}
        self.assertEqual(clip, speech.CLIPS[0].stem)
        expected = float(np.abs(again - log_mel).mean())
        self.assertAllClose(float(rows["true_log_mel"]["log_mel_l1"]), expected, atol=1e-4)
        self.assertLess(expected, 0.2)
        self.assertEqual(float(rows["natural"]["log_mel_l1"]), 0.0)
        events = list((self.run_dir / "tensorboard" / "examples").iterdir())
        sounds = [
            value.tensor.string_val[0]
            for event in tf.compat.v1.train.summary_iterator(str(events[0]))
            for value in event.summary.value
            if value.tag == "inverted"
        ]
        played, rate_hz = tf.audio.decode_wav(sounds[0])
        self.assertEqual((int(rate_hz), len(played)), (22050, 48 * params.hop_samples))

    def test_the_saved_model_takes_the_targets_rate(self):
        model = tf.saved_model.load(str(self.folder / "saved"))
        heard = audio.read_audio(speech.CLIPS[0], sample_rate_hz=22050)
        made = model.signatures["reconstruct"](waveform=tf.constant(heard))
        self.assertEqual(made["waveform"].shape, heard.shape)
        self.assertEqual(made["log_mel"].shape[1], 80)
        self.assertIn("22050 Hz", (self.folder / "saved" / "README.md").read_text())


if __name__ == "__main__":
    tf.test.main()
