"""Every public object says what it is, in a line."""

import dataclasses
import importlib
import inspect
import pathlib
import pkgutil
import typing

import keras
import numpy as np
import pytest

import vggish_inversion as vi
from tests import speech
from vggish_inversion import asr, metrics, reconstruction, results
from vggish_inversion.asr import processes
from vggish_inversion.data import corpora, log_mel_cache, recordings, segments, shards
from vggish_inversion.evaluation import grid, rendering, stopwatch
from vggish_inversion.files import hub
from vggish_inversion.inverters import run
from vggish_inversion.metrics import speakers
from vggish_inversion.reconstruction import saved_model, signatures
from vggish_inversion.targets import vggish_postprocessing
from vggish_inversion.tasks import classification
from vggish_inversion.training import checkpoints, optimizers
from vggish_inversion.vocoders import griffin_lim, losses, neural, vocos

_TARGET = "small_encoder/speech_commands"
_LONGEST = 240
# Of keras, protocols, and what is a text, a table or a tuple itself: these have their own.
_WITH_THEIR_OWN = (str, dict, tuple, keras.Layer, BaseException)
_BULKY = (np.ndarray, bytes)


def _classes() -> list[type]:
    """Every class that the package defines and does not hide."""
    found = []
    for module in pkgutil.walk_packages(vi.__path__, f"{vi.__name__}."):
        if module.name.endswith("__main__"):
            continue
        names = vars(importlib.import_module(module.name))
        found += [
            item
            for name, item in names.items()
            if inspect.isclass(item)
            and item.__module__ == module.name
            and not name.startswith("_")
            and not issubclass(item, _WITH_THEIR_OWN)
            and typing.Protocol not in item.__bases__
        ]
    return found


@pytest.mark.parametrize("kind", _classes(), ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_no_class_leaves_it_to_python(kind):
    assert kind.__repr__ is not object.__repr__, "give it a __repr__ that says what it is"
    own = inspect.isfunction(inspect.unwrap(kind.__repr__)) and "__repr__" in vars(kind)
    made_by_dataclass = own and hasattr(kind.__repr__, "__wrapped__")
    shown = [field for field in dataclasses.fields(kind) if field.repr] if made_by_dataclass else []
    for field in shown:  # arrays and sounds would fill a screen
        is_short = field.default is not dataclasses.MISSING  # as the end of a header, b""
        assert field.type not in _BULKY or is_short, f"{kind.__name__}.{field.name}"


@pytest.fixture(scope="module")
def target():
    return vi.load_target(_TARGET)


def _objects(target, folder: pathlib.Path) -> dict[str, tuple[object, str]]:
    """An object of every class that users meet, and a part of what it says."""
    params = target.log_mel
    trained = run.read_run(hub.find_model(f"inverter/{_TARGET}/layer_6/paper-l1"))
    vocoder = griffin_lim.GriffinLim(params)
    reconstructor = reconstruction.Reconstructor(
        target, {"layer_6": ("layer_6", trained.load_model())}, vocoder
    )
    frames = np.zeros((960, 64), np.float16)
    log_mel = np.full((96, 64), params.log_floor)
    lengths = np.full(10, 96)
    cache = log_mel_cache.LogMelCache(frames, lengths, params, "sha256:0")
    saved = saved_model.SavedReconstructor.__new__(saved_model.SavedReconstructor)
    saved.config = {"layer": "layer_1", "target": _TARGET, "vocoder": "vocos"}
    utterance = vi.bundled_speech()[0]
    patches = classification.LabelledPatches(
        np.zeros((4, 96, 64)), np.zeros(4, int), np.array([0, 0, 1, 1])
    )
    audio = reconstruction.Reconstruction(np.zeros((368, 64)), np.zeros(59120))
    generator = vocos.build_generator(params, width=8)
    table = results.ResultsTable(folder / "results.csv")
    segment_cache = segments.SegmentCache(np.zeros(9, np.int16), frames, lengths, params, "")
    records = shards.LogMelRecords((folder,) * 1000, params, "sha256:0", 7)
    rendition = grid.Rendition("layer_6/paper-l1", "vocos")
    return {
        "Head": (target.head(), "logits: 12 classes, softmax"),
        "FrontEndCheck": (vi.check_front_end(params, np.zeros(15600), log_mel), "matches=True"),
        "LogMel": (vi.LogMel(num_bands=80), "(num_bands=80)"),
        "LogMelParams": (params, "num_bands=64"),
        "LogSpectrogram": (vi.LogSpectrogram(log=None), "(log=None)"),
        "Waveform": (vi.Waveform(8000), "(sample_rate_hz=8000)"),
        "Outputs": (target(np.zeros((1, 96, 64))), "layer_6; heads logits"),
        "Reconstruction": (audio, "log-mel [368, 64], waveform [59120]"),
        "Reconstructor": (reconstructor, f"from layer_6 of {_TARGET}, by griffin_lim"),
        "Tap": (target.taps[0], "layer_0"),
        "TargetEncoder": (target, f"{_TARGET}: 7 taps, layer_0 to layer_6"),
        "TrainConfig": (vi.TrainConfig(), "num_epochs=30"),
        "Utterance": (utterance, "awb-doctor"),
        "Grid": (grid.Grid(), "pocketsphinx"),
        "Road": (reconstructor.road, "through layer_6: patches 96 frames apart"),
        "ReconstructionModule": (
            signatures.ReconstructionModule(reconstructor, "layer_6"),
            "of layer_6: reconstruct, reconstruct_batch, embed",
        ),
        "SavedReconstructor": (saved, f"from layer_1 of {_TARGET}, by vocos"),
        "GriffinLim": (vocoder, "64 bands every 160 samples at 16000 Hz"),
        "NeuralVocoder": (neural.NeuralVocoder(generator, params), "NeuralVocoder vocos: 64 bands"),
        "PocketSphinxTranscriber": (asr.load_transcriber("pocketsphinx"), "US English"),
        "Processes": (processes.Processes(""), "0 idle"),
        "Worker": (processes.Worker(""), "not started"),
        "InverterRun": (trained, f"layer_6 of {_TARGET}, paper-l1"),
        "LogMelCache": (cache, "10 utterances, 10 patches"),
        "SegmentCache": (segment_cache, "10 utterances, 960 frames"),
        "LogMelRecords": (records, "1000 shards, 7 patches"),
        "Corpus": (corpora.load_corpus(speech.DEMO_SPEECH), "demo_speech"),
        "Tree": (recordings.walk(speech.DEMO_SPEECH), f"{speech.DEMO_SPEECH}: "),
        "Stopwatch": (stopwatch.Stopwatch(), "total"),
        "Rendering": (rendering.Rendering(utterance, rendition, np.zeros(9), {}), "awb-doctor"),
        "ResultsTable": (table, "results.csv: 0 rows"),
        "Results": (results.Results(folder, (), {}, (), None), "0 conditions, 0 utterances"),
        "PatchEncoder": (speakers.load_speaker_encoder(), "layer_6 of small_encoder/speaker_id"),
        "ScoredTrials": (metrics.ScoredTrials(np.eye(2)[0], np.eye(2)[0] > 0), "1 of targets"),
        "ConvolutionalMuon": (optimizers.ConvolutionalMuon(0.5), "0.5"),
        "Checkpoint": (
            checkpoints.Checkpoint(folder, [], examples_per_epoch=1),
            "checkpoint.npz: 0 epochs",
        ),
        "SpectralLoss": (losses.SpectralLoss(params), "num_bands=64"),
        "LabelledPatches": (patches, "4 of 2 clips"),
        "Postprocessor": (
            vggish_postprocessing.Postprocessor(np.zeros((128, 128)), np.zeros(128)),
            "[128, 128]",
        ),
    }


def test_objects_say_what_they_are(target, tmp_path):
    objects = _objects(target, tmp_path)
    public = {name for name in vi.__all__ if inspect.isclass(getattr(vi, name))}
    assert public <= objects.keys(), "give one of each public class"
    for name, (item, part) in objects.items():
        said = repr(item)
        assert type(item).__name__ == name
        assert name in said and part in said, said
        assert " at 0x" not in said and "\n" not in said, said
        assert len(said) <= _LONGEST + len(str(tmp_path)) + len(str(speech.DEMO_SPEECH)), said
